-- What taking over an entry is, for the scripts that do it: put between `common` and them by the loader.
local SUSPECT = 2

-- Claims the held entries in `holds` ({entry, consumer, idle, deliveries}) in order until `count` or `budget` bytes;
-- returns whether that is it.
-- One that was handed out SUSPECT times without an end is claimed alone: if it kills its worker, only its own number
-- of deliveries grows.
local function claim_all(stream, consumer, holds, count, budget, taken)
  local bytes = 0
  for _, hold in ipairs(holds) do
    if #taken >= count or bytes >= budget then
      return true
    end
    local entry, suspect = hold[1], hold[4] >= SUSPECT
    if suspect and #taken > 0 then
      return true
    end
    local got = redis.call('XCLAIM', stream, GROUP, consumer, 0, entry)[1]
    if got then
      local job, seq = parts(got[2])
      bytes = bytes + #job
      taken[#taken + 1] = { entry, job, seq, hold[4] + 1 }
      if suspect then
        return true
      end
    else
      redis.call('XACK', stream, GROUP, entry)
    end
  end
  return false
end
