-- Makes due retries ready, the longest due first. ARGV: how many at most, bytes after which to stop. Returns how many.
local ready, retry, parked, notes, waiting = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local limit, budget = tonumber(ARGV[1]), tonumber(ARGV[2])

local bytes, moved = 0, 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', retry, '-inf', now_ms(), 'LIMIT', 0, limit)) do
  if bytes >= budget then
    break
  end
  local job, note = redis.call('HGET', parked, id), note_of(notes, id)
  redis.call('ZREM', retry, id)
  redis.call('HDEL', parked, id)
  redis.call('HDEL', notes, id)
  count_waiting(waiting, note.page, -1)
  if job then
    bytes = bytes + #job
    redis.call('XADD', ready, '*', 'j', job, 'n', string.format('%.0f', note.seq or 0))
    moved = moved + 1
  end
end
return moved
