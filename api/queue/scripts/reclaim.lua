-- Takes over what is not brought to an end: in flight too long (at oneself, too), or its worker gone. Entries that were handed out and are
-- held by nobody (their consumer was deleted by hand) go back to the end of the line. While the queue is paused nothing is
-- taken over.
-- ARGV: consumer, count, bytes after which to stop, visibility timeout ms, ms after which a worker is gone.
-- Returns {{entry, job, seq, deliveries}, ...}.
local ready, beats, control = KEYS[1], KEYS[2], KEYS[3]
local me, count, budget = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local visibility, gone_after = tonumber(ARGV[4]), tonumber(ARGV[5])

local function rescue_orphans()
  local last = last_delivered(ready)
  for _ = 1, count do
    local head = redis.call('XRANGE', ready, '-', '+', 'COUNT', 1)[1]
    if not head or is_after(head[1], last) or hold_of(ready, head[1]) then
      return
    end
    redis.call('XDEL', ready, head[1])
    redis.call('XADD', ready, '*', unpack(head[2]))
  end
end

rescue_orphans()
local now, taken = now_ms(), {}
if redis.call('HEXISTS', control, 'paused') == 1 then
  return taken
end
-- If my own heartbeat is old too, it is the server that stood still, not the others.
local can_tell = not is_gone(beats, me, now, gone_after)
for _, holder in ipairs(try('XPENDING', ready, GROUP)[4] or {}) do
  local name, holds = holder[1], nil
  if name ~= me and can_tell and is_gone(beats, name, now, gone_after) then
    holds = try('XPENDING', ready, GROUP, '-', '+', count, name)
  else
    holds = try('XPENDING', ready, GROUP, 'IDLE', visibility, '-', '+', count, name)
  end
  if claim_all(ready, me, holds, count, budget, taken) then
    break
  end
end
return taken
