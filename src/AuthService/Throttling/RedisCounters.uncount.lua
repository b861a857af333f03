-- Takes one back.
-- KEYS[1] the counter
if tonumber(redis.call('HGET', KEYS[1], 'count') or 0) > 0 then return redis.call('HINCRBY', KEYS[1], 'count', -1) end
return 0
