-- Hands out new entries unless the queue is paused. ARGV: consumer, count, bytes after which to stop.
-- Returns {paused, id to wait from, {{entry, job, seq, deliveries}, ...}}.
local ready, control = KEYS[1], KEYS[2]
local consumer, count, budget = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

if redis.call('HGET', control, 'paused') then
  return { 1, '', {} }
end
local taken, bytes, step = {}, 0, FIRST_STEP
while #taken < count and bytes < budget do
  step = math.min(step, count - #taken)
  local reply = redis.call('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', step, 'STREAMS', ready, '>')
  local entries, before = reply and reply[1] and reply[1][2] or {}, bytes
  for _, entry in ipairs(entries) do
    local job, seq = parts(entry[2])
    bytes = bytes + #job
    taken[#taken + 1] = { entry[1], job, seq, 1 }
  end
  if #entries < step then
    break
  end
  step = next_step(step, bytes - before)
end
return { 0, #taken == 0 and last_delivered(ready) or '', taken }
