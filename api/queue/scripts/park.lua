-- Moves held jobs out of the stream: to be retried, or dead. What frees memory comes first, so that it works while
-- Redis is out of memory.
-- ARGV: consumer, then for each job: entry, place ("retry", "wait" or "dead"), due ms, job id, job, note, page, seq.
-- Returns for each 1, or 0 if the consumer does not hold it.
local ready, retry, dead, parked, notes, waiting, counters, moves =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local consumer = ARGV[1]
local WORDS = 8

local now = now_ms()

local function park(entry, place, due, id, job, note, page, seq)
  local hold = hold_of(ready, entry)
  if not hold or hold[2] ~= consumer then
    return 0
  end
  redis.call('XACK', ready, GROUP, entry)
  redis.call('XDEL', ready, entry)
  redis.call('HSET', parked, id, job)
  redis.call('HSET', notes, id, with('at', now, note))
  if place ~= 'dead' then
    redis.call('ZADD', retry, due, id)
    count_waiting(waiting, page, 1)
  else
    redis.call('ZADD', dead, now, id)
  end
  log_move(moves, counters, id, seq)
  return 1
end

local outcome = {}
for i = 2, #ARGV, WORDS do
  outcome[#outcome + 1] = park(unpack(ARGV, i, i + WORDS - 1))
end
return outcome
