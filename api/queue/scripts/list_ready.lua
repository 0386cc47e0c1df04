-- A stretch of what has not been handed out yet.
-- ARGV: entry to go on after ('' to begin), 1 to go backwards, count, bytes after which to stop, ms: only what has
-- waited longer while workers are up and the queue is not paused ('' for all), ms after which a worker is gone.
-- Returns {now ms, whether this was all, {{entry, job, seq}, ...}}.
local ready, beats, control = KEYS[1], KEYS[2], KEYS[3]
local from, backwards, count, budget = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3]), tonumber(ARGV[4])
local sla, gone_after = tonumber(ARGV[5]), tonumber(ARGV[6])

local now = now_ms()
local lowest, highest = '(' .. last_delivered(ready), '+'
if sla then
  local alive = false
  for _, name in ipairs(redis.call('HKEYS', beats)) do
    alive = alive or not is_gone(beats, name, now, gone_after)
  end
  if not alive or redis.call('HEXISTS', control, 'paused') == 1 then
    return { now, 1, {} }
  end
  highest = string.format('%.0f', now - sla)
end
if from ~= '' and backwards then
  highest = '(' .. from
elseif from ~= '' and is_after(from, string.sub(lowest, 2)) then
  lowest = '(' .. from
end

local rows, bytes, ended, step = {}, 0, false, FIRST_STEP
while #rows < count and bytes < budget and not ended do
  step = math.min(step, count - #rows)
  local entries, before = nil, bytes
  if backwards then
    entries = redis.call('XREVRANGE', ready, highest, lowest, 'COUNT', step)
  else
    entries = redis.call('XRANGE', ready, lowest, highest, 'COUNT', step)
  end
  for _, entry in ipairs(entries) do
    local job, seq = parts(entry[2])
    bytes = bytes + #job
    rows[#rows + 1] = { entry[1], job, seq }
  end
  ended = #entries < step
  if not ended and backwards then
    highest = '(' .. entries[#entries][1]
  elseif not ended then
    lowest = '(' .. entries[#entries][1]
  end
  step = next_step(step, bytes - before)
end
return { now, ended and 1 or 0, rows }
