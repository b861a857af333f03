-- One more in the window that began with the first, unless the limit is reached.
-- KEYS[1] the counter   ARGV: now, limit, window   (times in ms)
-- -> {1 if over; count; ms to the window's end; 1 for the first that is over}
local now, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stored = redis.call('HMGET', KEYS[1], 'count', 'ends', 'told')
local count, ends, told = tonumber(stored[1] or 0), tonumber(stored[2] or 0), stored[3]
if ends <= now then
  redis.call('DEL', KEYS[1])
  count, ends, told = 0, now + window, false
end
-- Begun by a node whose clock is ahead.
if ends > now + window then ends = now + window end

if count >= limit then
  if told then return {1, count, ends - now, 0} end
  redis.call('HSET', KEYS[1], 'told', 1)
  return {1, count, ends - now, 1}
end

redis.call('HSET', KEYS[1], 'count', count + 1, 'ends', ends)
redis.call('PEXPIRE', KEYS[1], ends - now)
return {0, count + 1, ends - now, 0}
