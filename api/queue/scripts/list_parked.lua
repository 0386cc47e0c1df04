-- A stretch of what is retried, dead or discarded.
-- ARGV: place, score and id to go on after ('-inf' or '+inf' and '' to begin), 1 to go backwards, count, bytes after
-- which to stop. Returns {now ms, whether this was all, {{id, score, job, note}, ...}}.
local retry, dead, discarded, parked, notes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local places = { retry = retry, dead = dead, discarded = discarded }
local count, budget = tonumber(ARGV[5]), tonumber(ARGV[6])

local found = members_after(places[ARGV[1]], ARGV[2], ARGV[3], count, ARGV[4] == '1')
local rows, bytes = {}, 0
for _, member in ipairs(found) do
  if bytes >= budget then
    break
  end
  local job = redis.call('HGET', parked, member[1]) or ''
  bytes = bytes + #job
  rows[#rows + 1] = { member[1], member[2], job, redis.call('HGET', notes, member[1]) or '' }
end
return { now_ms(), #found < count and #rows == #found and 1 or 0, rows }
