-- Forgets discarded jobs at once, payload and all: they cannot be taken back. ARGV: their ids. Returns how many.
local discarded, parked, notes = KEYS[1], KEYS[2], KEYS[3]
local count = 0
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', discarded, id) == 1 then
    redis.call('HDEL', parked, id)
    redis.call('HDEL', notes, id)
    count = count + 1
  end
end
return count
