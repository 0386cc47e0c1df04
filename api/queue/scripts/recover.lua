-- Hands a consumer what it holds already: after its restart, or after a reply that never arrived.
-- ARGV: consumer, count, bytes after which to stop, then the entries. Returns {{entry, job, seq, deliveries}, ...}.
local ready = KEYS[1]
local consumer, count, budget = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local holds = {}
for i = 4, #ARGV do
  local hold = hold_of(ready, ARGV[i])
  if hold and hold[2] == consumer then
    holds[#holds + 1] = hold
  end
end
local taken = {}
claim_all(ready, consumer, holds, count, budget, taken)
return taken
