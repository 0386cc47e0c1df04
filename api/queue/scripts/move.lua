-- What an operator does to jobs: each moves only if it is still what and where the operator saw.
-- ARGV: target ("ready", "discarded", or "edited": new text where it is), visibility timeout ms, ms after which a
-- worker is gone, then for each job: id, place ("retry", "dead", "discarded" or "stream"), entry or '', SHA-1 of its
-- text, new text, note, seq. Returns for each: "done", "changed", "waiting" (it is ready already) or "held <consumer>".
local ready, retry, dead, discarded, parked, notes, waiting, beats, counters, moves, tallies =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local places = { retry = retry, dead = dead, discarded = discarded }
local target, visibility, gone_after = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local WORDS = 7

local now, last = now_ms(), last_delivered(ready)

-- What frees memory comes first in every move, so that all of them work while Redis is out of memory.
local function arrive(id, text, note, seq)
  if target == 'discarded' then
    redis.call('HSET', parked, id, text)
    redis.call('HSET', notes, id, with('at', now, note))
    redis.call('ZADD', discarded, now, id)
    log_move(moves, counters, id, seq)
    redis.call('HINCRBY', tallies, 'jobs|discarded', 1)
  else
    redis.call('XADD', ready, '*', 'j', text, 'n', seq)
  end
  return 'done'
end

-- A new text may be of another page: what waits is counted, and released, by the page in its note.
local function change_page(id, place, page)
  local note = note_of(notes, id)
  if note.page == page then
    return
  end
  if place == 'retry' then
    count_waiting(waiting, note.page, -1)
    count_waiting(waiting, page, 1)
  end
  note.page = page
  redis.call('HSET', notes, id, cjson.encode(note))
end

local function from_parked(id, place, sha, text, note, seq)
  local old = redis.call('HGET', parked, id)
  if not old or not redis.call('ZSCORE', places[place], id) or redis.sha1hex(old) ~= sha then
    return 'changed'
  end
  redis.call('HDEL', parked, id)
  if target == 'edited' then
    redis.call('HSET', parked, id, text)
    change_page(id, place, cjson.decode(note).page)
    return 'done'
  end
  if place == 'retry' then
    count_waiting(waiting, note_of(notes, id).page, -1)
  end
  redis.call('HDEL', notes, id)
  redis.call('ZREM', places[place], id)
  return arrive(id, text, note, seq)
end

local function from_stream(id, entry, sha, text, note, seq)
  local found = redis.call('XRANGE', ready, entry, entry)[1]
  if not found or redis.sha1hex((parts(found[2]))) ~= sha then
    return 'changed'
  end
  local hold = hold_of(ready, entry)
  if hold and hold[3] <= visibility and not is_gone(beats, hold[2], now, gone_after) then
    return 'held ' .. hold[2]
  end
  if not hold and target == 'ready' and is_after(entry, last) then
    return 'waiting'
  end
  redis.call('XACK', ready, GROUP, entry)
  redis.call('XDEL', ready, entry)
  return arrive(id, text, note, seq)
end

local outcome = {}
for i = 4, #ARGV, WORDS do
  local id, place, entry, sha, text, note, seq = unpack(ARGV, i, i + WORDS - 1)
  if place == 'stream' then
    outcome[#outcome + 1] = from_stream(id, entry, sha, text, note, seq)
  else
    outcome[#outcome + 1] = from_parked(id, place, sha, text, note, seq)
  end
end
return outcome
