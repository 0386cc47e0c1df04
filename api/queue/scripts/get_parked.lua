-- Jobs that are retried, dead or discarded, by id. ARGV: ids. Returns {now ms, {{id, place, score, job, note}, ...}}.
local retry, dead, discarded, parked, notes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local places = { { 'retry', retry }, { 'dead', dead }, { 'discarded', discarded } }

local rows = {}
for _, id in ipairs(ARGV) do
  for _, place in ipairs(places) do
    local score = redis.call('ZSCORE', place[2], id)
    if score then
      local job, note = redis.call('HGET', parked, id) or '', redis.call('HGET', notes, id) or ''
      rows[#rows + 1] = { id, place[1], score, job, note }
    end
  end
end
return { now_ms(), rows }
