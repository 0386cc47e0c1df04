-- Says that a consumer still works on what it holds: their time in flight starts anew. ARGV: consumer, entries.
-- Returns how many of them it holds.
local ready = KEYS[1]
local consumer, held = ARGV[1], 0
for i = 2, #ARGV do
  local hold = hold_of(ready, ARGV[i])
  if hold and hold[2] == consumer then
    redis.call('XCLAIM', ready, GROUP, consumer, 0, ARGV[i], 'JUSTID')
    held = held + 1
  end
end
return held
