-- Pauses or resumes the queue. ARGV: 1 or 0.
local control = KEYS[1]
redis.call('HDEL', control, 'paused')
if ARGV[1] == '1' then
  redis.call('HSET', control, 'paused', string.format('%.0f', now_ms()))
end
return 1
