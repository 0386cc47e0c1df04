-- Moves a held job out of the stream: to be retried, or dead. What frees memory comes first, so that it works while
-- Redis is out of memory.
-- ARGV: entry, consumer, place ("retry" or "dead"), due ms, job id, job, note, page, seq. Returns 1, or 0 if not held.
local ready, retry, dead, parked, notes, waiting, counters, moves =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local entry, consumer, place, due, id, job, note, page, seq = unpack(ARGV)
local MOVES_KEPT = 100000

local hold = hold_of(ready, entry)
if not hold or hold[2] ~= consumer then
  return 0
end
local now = now_ms()
redis.call('XACK', ready, GROUP, entry)
redis.call('XDEL', ready, entry)
redis.call('HSET', parked, id, job)
redis.call('HSET', notes, id, with('at', now, note))
if place == 'retry' then
  redis.call('ZADD', retry, due, id)
  count_waiting(waiting, page, 1)
else
  redis.call('ZADD', dead, now, id)
end
redis.call('XADD', moves, 'MAXLEN', '~', MOVES_KEPT, '*', 'i', id, 'n', seq)
redis.call('HINCRBY', counters, 'moved', 1)
return 1
