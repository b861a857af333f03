-- A look has ended.
-- KEYS[1] the counter   ARGV: failed, succeeded or not_looked; free
local stored = redis.call('HMGET', KEYS[1], 'failures', 'looking')
if not stored[1] then return 0 end
local failures, looking = tonumber(stored[1]), math.max(0, tonumber(stored[2] or 0) - 1)
-- Those under way go on counting as failed.
if ARGV[1] == 'succeeded' then failures = looking end
if ARGV[1] == 'not_looked' then failures = math.max(0, failures - 1) end
if failures == 0 then return redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'failures', failures, 'looking', looking)
if failures < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'until', 0) end
return 1
