-- Counts a stretch of what is retried, dead or discarded. ARGV: place, score and id to go on after, count.
-- Returns {score, id, seq, ...}, fewer than count when this was all.
local retry, dead, discarded, notes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local places = { retry = retry, dead = dead, discarded = discarded }
local rows = {}
for _, member in ipairs(members_after(places[ARGV[1]], ARGV[2], ARGV[3], tonumber(ARGV[4]), false)) do
  rows[#rows + 1] = member[2]
  rows[#rows + 1] = member[1]
  rows[#rows + 1] = seq_of(notes, member[1])
end
return rows
