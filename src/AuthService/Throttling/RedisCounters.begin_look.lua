-- A look at a secret begins, counted as failed, unless it has to wait.
-- KEYS[1] the counter   ARGV: now, free, stop_after, longest_delay, memory, longest_look   (times in ms)
-- -> {0 it may, 1 refused, 2 busy; failures}
local now, free, stop_after, longest_delay = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local stored = redis.call('HMGET', KEYS[1], 'failures', 'looking', 'until', 'began')
local failures, looking, wait_until = tonumber(stored[1] or 0), tonumber(stored[2] or 0), tonumber(stored[3] or 0)
-- Set by a node whose clock is ahead, it would last longer than any wait does.
if wait_until > now + longest_delay then wait_until = now + longest_delay end

if wait_until > now or failures >= stop_after then
  if failures - looking < free then return {2, failures} end
  return {1, failures}
end

-- What has been under way for so long was at a node that has died.
if now - tonumber(stored[4] or 0) > tonumber(ARGV[6]) then looking = 0 end
failures, looking, wait_until = failures + 1, looking + 1, 0
if failures >= free then wait_until = now + math.min(1000 * 2 ^ (failures - free), longest_delay) end
redis.call('HSET', KEYS[1], 'failures', failures, 'looking', looking, 'until', wait_until, 'began', now)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {0, failures}
