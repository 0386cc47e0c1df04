-- Forgets consumers that hold nothing and have not been heard of for long, and pauses that have run out.
-- ARGV: ms of silence, consumer that asks. Returns how many consumers.
local ready, beats, pauses, told = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local silence, now, forgotten = tonumber(ARGV[1]), now_ms(), 0

for _, consumer in ipairs(try('XINFO', 'CONSUMERS', ready, GROUP)) do
  local info = {}
  for i = 1, #consumer, 2 do
    info[consumer[i]] = consumer[i + 1]
  end
  local name = info['name']
  if name ~= ARGV[2] and info['pending'] == 0 and info['idle'] > silence and is_gone(beats, name, now, silence) then
    redis.call('XGROUP', 'DELCONSUMER', ready, GROUP, name)
    redis.call('HDEL', beats, name)
    redis.call('HDEL', told, name)
    forgotten = forgotten + 1
  end
end
local held = {}
for _, holder in ipairs(try('XPENDING', ready, GROUP)[4] or {}) do
  held[holder[1]] = true
end
for _, name in ipairs(redis.call('HKEYS', beats)) do
  if name ~= ARGV[2] and not held[name] and is_gone(beats, name, now, silence) then
    redis.call('HDEL', beats, name)
    redis.call('HDEL', told, name)
  end
end
local all = redis.call('HGETALL', pauses)
for i = 1, #all, 2 do
  local ends = tonumber(string.match(all[i + 1], '^{"ends":(%d+)')) or 0
  if ends > 0 and ends < now then
    redis.call('HDEL', pauses, all[i])
  end
end
return forgotten
