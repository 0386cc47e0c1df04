-- Ends a count at one instant: what came into the stream since, and where the jobs that moved since are now. With
-- nothing counted before (`from` '-') it is the whole count, for a queue that is not large.
-- ARGV: from, last move counted already, bytes after which to give up, 1 to count the parked ones as well.
-- Returns {accepted, moved, last delivered entry, whether the stream was counted to its end, {entry, id, seq, ...},
-- {id, seq, place or '', ...}, {{id, seq, ...} of retry, of dead, of discarded}}.
local ready, retry, dead, discarded, counters, moves, notes =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]

local stream = count_stream(ready, ARGV[1], math.huge, tonumber(ARGV[3]))
local moved, parked = {}, {}
if ARGV[4] == '1' then
  for i, place in ipairs({ retry, dead, discarded }) do
    local rows = {}
    for _, id in ipairs(redis.call('ZRANGE', place, 0, -1)) do
      rows[#rows + 1] = id
      rows[#rows + 1] = seq_of(notes, id)
    end
    parked[i] = rows
  end
else
  for _, move in ipairs(redis.call('XRANGE', moves, '(' .. ARGV[2], '+')) do
    local id, seq = move[2][2], move[2][4]
    moved[#moved + 1] = id
    moved[#moved + 1] = seq
    moved[#moved + 1] = redis.call('ZSCORE', retry, id) and 'retry'
      or redis.call('ZSCORE', dead, id) and 'dead'
      or redis.call('ZSCORE', discarded, id) and 'discarded'
      or ''
  end
end
return {
  tonumber(redis.call('HGET', counters, 'accepted') or 0),
  tonumber(redis.call('HGET', counters, 'moved') or 0),
  last_delivered(ready),
  stream[2],
  stream[3],
  moved,
  parked,
}
