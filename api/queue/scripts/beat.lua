-- A worker lives, and reports what it has done since its last report. Deleting first is a write that Redis takes while
-- it is out of memory, and allows the next one.
-- ARGV: consumer, its figures as a JSON object, name of the report, then (tally, by how much) pairs.
-- A report that is sent again because its answer was lost has the same name and is counted once.
-- Returns how many workers have beaten and were not forgotten since.
local beats, told, tallies, samples, ready, retry, dead, discarded, counters =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local SAMPLE_MS, SAMPLES = 1000, 30

local now = now_ms()
redis.call('HDEL', beats, ARGV[1])
redis.call('HSET', beats, ARGV[1], with('at', now, ARGV[2]))

if #ARGV > 3 and redis.call('HGET', told, ARGV[1]) ~= ARGV[3] then
  redis.call('HSET', told, ARGV[1], ARGV[3])
  for i = 4, #ARGV, 2 do
    redis.call('HINCRBY', tallies, ARGV[i], ARGV[i + 1])
  end
end

-- Whichever worker beats first in a second notes how far the queue has come, for its rates.
local newest = redis.call('LINDEX', samples, 0)
local sampled = newest and tonumber(string.match(newest, '^%d+')) or 0
if sampled > now then
  redis.call('DEL', samples)
end
if now - sampled >= SAMPLE_MS or sampled > now then
  local accepted = tonumber(redis.call('HGET', counters, 'accepted') or 0)
  local left = accepted - redis.call('XLEN', ready) - redis.call('ZCARD', retry)
    - redis.call('ZCARD', dead) - redis.call('ZCARD', discarded)
  redis.call('LPUSH', samples, string.format('%.0f %.0f %.0f', now, accepted, left))
  redis.call('LTRIM', samples, 0, SAMPLES - 1)
end
return redis.call('HLEN', beats)
