-- Looks for jobs in a stretch of the stream by their ids; what cannot be read as a job goes by its entry's.
-- ARGV: from, count, bytes after which to stop, fragment of an id ('' for none), then whole ids. Returns {now ms, where to go on or '',
-- {{entry, job, seq, consumer or '', idle ms, deliveries, ms since the consumer's heartbeat or -1, 1 if it was handed
-- out}, ...}}.
local ready, beats = KEYS[1], KEYS[2]
local from, count, budget, fragment = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local wanted = {}
for i = 5, #ARGV do
  wanted[ARGV[i]] = true
end
local now, last = now_ms(), last_delivered(ready)
local rows, looked, bytes, step = {}, 0, 0, FIRST_STEP
while looked < count and bytes < budget do
  local entries, before = redis.call('XRANGE', ready, from, '+', 'COUNT', step), bytes
  for _, entry in ipairs(entries) do
    local job, seq = parts(entry[2])
    bytes = bytes + #job
    local id = job_id_of(job)
    if id == '' then
      id = entry[1]
    end
    if wanted[id] or wanted[entry[1]] or fragment ~= '' and string.find(id, fragment, 1, true) then
      local hold = hold_of(ready, entry[1]) or { entry[1], '', 0, 0 }
      local age = hold[2] ~= '' and beat_age(beats, hold[2], now) or -1
      rows[#rows + 1] = { entry[1], job, seq, hold[2], hold[3], hold[4], age, is_after(entry[1], last) and 0 or 1 }
    end
  end
  if #entries < step then
    return { now, '', rows }
  end
  step = next_step(step, bytes - before)
  looked = looked + #entries
  from = '(' .. entries[#entries][1]
end
return { now, from, rows }
