-- Forgets what was discarded long ago. ARGV: age ms, how many at most. Returns how many.
local discarded, parked, notes = KEYS[1], KEYS[2], KEYS[3]
local before = now_ms() - tonumber(ARGV[1])
local old = redis.call('ZRANGEBYSCORE', discarded, '-inf', before, 'LIMIT', 0, tonumber(ARGV[2]))
for _, id in ipairs(old) do
  redis.call('ZREM', discarded, id)
  redis.call('HDEL', parked, id)
  redis.call('HDEL', notes, id)
end
return #old
