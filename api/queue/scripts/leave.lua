-- A worker ends: forgotten at once if it holds nothing, else its heartbeat just stops. ARGV: consumer.
local ready, beats, told = KEYS[1], KEYS[2], KEYS[3]
redis.call('HDEL', beats, ARGV[1])
redis.call('HDEL', told, ARGV[1])
if try('XPENDING', ready, GROUP, '-', '+', 1, ARGV[1])[1] then
  return 0
end
redis.pcall('XGROUP', 'DELCONSUMER', ready, GROUP, ARGV[1])
return 1
