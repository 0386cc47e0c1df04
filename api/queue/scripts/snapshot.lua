-- All figures of the queue as of one instant; bounded work whatever the queue's size.
-- ARGV: visibility timeout ms, ms after which a worker is gone, ms that a job may wait, how far stuck jobs are counted.
local ready, retry, dead, discarded, counters, beats, pauses, waiting, warnings, control, samples =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local visibility, gone_after, sla, cap = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local EXACT, BYTES = 100, 1000000

local now = now_ms()
local last = last_delivered(ready)
local pending = try('XPENDING', ready, GROUP)
local in_flight = pending[1] or 0
-- Entries are deleted as they are acknowledged, so what is not pending has yet to be handed out. The group's own `lag`
-- is no use: it is nil once an entry has been deleted.
local waiting_now = redis.call('XLEN', ready) - in_flight
local paused = redis.call('HGET', control, 'paused')

local alive, gone = 0, {}
for _, name in ipairs(redis.call('HKEYS', beats)) do
  if not is_gone(beats, name, now, gone_after) then
    alive = alive + 1
  end
end

local stuck, oldest_in_flight, holders = 0, 0, {}
for _, holder in ipairs(pending[4] or {}) do
  local name, held = holder[1], tonumber(holder[2])
  holders[#holders + 1] = { name, held }
  local first = try('XPENDING', ready, GROUP, '-', '+', 1, name)[1]
  oldest_in_flight = math.max(oldest_in_flight, first and first[3] or 0)
  if is_gone(beats, name, now, gone_after) then
    stuck = stuck + held
  elseif stuck < cap then
    stuck = stuck + #try('XPENDING', ready, GROUP, 'IDLE', visibility, '-', '+', cap, name)
  end
end

-- {entry id ms, seq} of the first entry after an id.
local function first_after(id)
  local entry = redis.call('XRANGE', ready, id, '+', 'COUNT', 1)[1]
  if entry then
    local _, seq = parts(entry[2])
    return { split_id(entry[1]), tonumber(seq) or 0 }
  end
end

-- Entries that wait longer than they should: counted one by one up to EXACT or BYTES, then taken from the difference
-- of their seqs, which are dense.
local function overdue(head)
  local count, bytes, from, until_id, step = 0, 0, '(' .. last, string.format('%.0f', now - sla), FIRST_STEP
  while count < EXACT and bytes < BYTES do
    local entries, before = redis.call('XRANGE', ready, from, until_id, 'COUNT', step), bytes
    for _, entry in ipairs(entries) do
      bytes = bytes + #parts(entry[2])
    end
    count = count + #entries
    if #entries < step then
      return count
    end
    from = '(' .. entries[#entries][1]
    step = next_step(step, bytes - before)
  end
  local limit = first_after(string.format('%.0f', now - sla + 1))
  if not limit then
    return waiting_now
  end
  return math.max(count, math.min(waiting_now, limit[2] - head[2]))
end

local oldest_ready = 0
local head = first_after('(' .. last)
if head then
  oldest_ready = math.max(0, now - head[1])
  if alive > 0 and not paused and oldest_ready > sla then
    stuck = stuck + overdue(head)
  end
end

local paused_pages, waits = redis.call('HKEYS', pauses), {}
for i, page in ipairs(paused_pages) do
  waits[i] = page == '*' and redis.call('ZCARD', retry) or tonumber(redis.call('HGET', waiting, page) or 0)
end

local due = redis.call('ZRANGE', retry, 0, 0, 'WITHSCORES')
return {
  now,
  waiting_now,
  in_flight,
  redis.call('ZCARD', retry),
  redis.call('ZCARD', dead),
  redis.call('ZCARD', discarded),
  stuck,
  tonumber(redis.call('HGET', counters, 'accepted') or 0),
  tonumber(redis.call('HGET', counters, 'duplicates') or 0),
  oldest_ready,
  oldest_in_flight,
  due[2] and math.max(0, tonumber(due[2]) - now) or 0,
  paused and 1 or 0,
  holders,
  redis.call('HGETALL', beats),
  redis.call('HGETALL', pauses),
  paused_pages,
  waits,
  redis.call('HGETALL', warnings),
  redis.call('LRANGE', samples, 0, -1),
}
