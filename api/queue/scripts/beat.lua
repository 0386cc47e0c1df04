-- A worker lives. Deleting first is a write that Redis takes while it is out of memory, and allows the next one.
-- ARGV: consumer, its figures as a JSON object.
local beats = KEYS[1]
redis.call('HDEL', beats, ARGV[1])
redis.call('HSET', beats, ARGV[1], with('at', now_ms(), ARGV[2]))
return 1
