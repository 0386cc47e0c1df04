-- Which of these places jobs are in now, all at one instant. ARGV: (id, place or entry) pairs. Returns 1 or 0 for each.
local ready, retry, dead, discarded = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local places = { retry = retry, dead = dead, discarded = discarded }
local there = {}
for i = 1, #ARGV, 2 do
  local id, place = ARGV[i], ARGV[i + 1]
  local found
  if places[place] then
    found = redis.call('ZSCORE', places[place], id)
  else
    found = redis.call('XRANGE', ready, place, place)[1]
  end
  there[#there + 1] = found and 1 or 0
end
return there
