-- A stretch of what is in flight, by age in the stream.
-- ARGV: entry to go on after ('' to begin), count, bytes after which to stop, 1 for only what is stuck, visibility
-- timeout ms, ms after which a worker is gone. Returns {now ms, whether this was all, how many were looked at, the last
-- of them, {{entry, job, seq, consumer, idle ms, deliveries, ms since the consumer's heartbeat or -1}, ...}}.
local ready, beats = KEYS[1], KEYS[2]
local from, count, budget, only_stuck = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local visibility, gone_after = tonumber(ARGV[5]), tonumber(ARGV[6])

local now = now_ms()
local holds = try('XPENDING', ready, GROUP, from == '' and '-' or '(' .. from, '+', count)
local rows, bytes, looked, last, ages = {}, 0, 0, from, {}
for _, hold in ipairs(holds) do
  if bytes >= budget then
    break
  end
  local entry, consumer, idle = hold[1], hold[2], hold[3]
  ages[consumer] = ages[consumer] or beat_age(beats, consumer, now) or -1
  local age = ages[consumer]
  if not only_stuck or idle > visibility or age < 0 or age > gone_after then
    local found = redis.call('XRANGE', ready, entry, entry)[1]
    if found then
      local job, seq = parts(found[2])
      bytes = bytes + #job
      rows[#rows + 1] = { entry, job, seq, consumer, idle, hold[4], age }
    end
  end
  looked, last = looked + 1, entry
end
return { now, #holds < count and looked == #holds and 1 or 0, looked, last, rows }
