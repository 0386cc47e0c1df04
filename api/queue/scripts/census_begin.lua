-- Where a count of everything begins. Returns {accepted, moved, last move, entries, retried, dead, discarded}.
local ready, retry, dead, discarded, counters, moves = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local move = redis.call('XREVRANGE', moves, '+', '-', 'COUNT', 1)[1]
return {
  tonumber(redis.call('HGET', counters, 'accepted') or 0),
  tonumber(redis.call('HGET', counters, 'moved') or 0),
  move and move[1] or '0-0',
  redis.call('XLEN', ready),
  redis.call('ZCARD', retry),
  redis.call('ZCARD', dead),
  redis.call('ZCARD', discarded),
}
