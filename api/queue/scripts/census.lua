-- What counting is, for the scripts that do it: put between `common` and them by the loader.
local function count_stream(stream, from, count, budget)
  local rows, bytes, looked, last, ended, step = {}, 0, 0, '', false, FIRST_STEP
  while looked < count and bytes < budget and not ended do
    step = math.min(step, count - looked)
    local entries, before = redis.call('XRANGE', stream, from, '+', 'COUNT', step), bytes
    for _, entry in ipairs(entries) do
      local job, seq = parts(entry[2])
      local id = job_id_of(job)
      bytes = bytes + #job
      rows[#rows + 1] = entry[1]
      rows[#rows + 1] = id ~= '' and id or entry[1]
      rows[#rows + 1] = seq
    end
    looked = looked + #entries
    ended = #entries < step
    step = next_step(step, bytes - before)
    if #entries > 0 then
      last = entries[#entries][1]
      from = '(' .. last
    end
  end
  return { last, ended and 1 or 0, rows }
end

local function seq_of(notes, id)
  return string.match(redis.call('HGET', notes, id) or '', '"seq":(%d+)') or '0'
end
