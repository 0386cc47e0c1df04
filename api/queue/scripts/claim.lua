-- What taking over an entry is, for the scripts that do it: put between `common` and them by the loader.

-- How many entries may be claimed at once that were handed out so often without an end: if one of them kills its
-- worker, only these come nearer to being given up. The fewer they become, the surer it is found; and where the machine
-- was what went down, all are soon done.
local TOGETHER = { [2] = 100, [3] = 10 }

local function together(deliveries)
  return deliveries < 2 and math.huge or TOGETHER[deliveries] or 1
end

-- Claims the held entries in `holds` ({entry, consumer, idle, deliveries}) in order until `count` or `budget` bytes;
-- returns whether that is it. Only such as may be as many together are claimed with one another.
local function claim_all(stream, consumer, holds, count, budget, taken)
  local bytes = 0
  for _, hold in ipairs(holds) do
    local entry, most = hold[1], together(hold[4])
    local alike = #taken == 0 or most == together(taken[1][4] - 1)
    if #taken >= math.min(count, most) or bytes >= budget or not alike then
      return true
    end
    local got = redis.call('XCLAIM', stream, GROUP, consumer, 0, entry)[1]
    if got then
      local job, seq = parts(got[2])
      bytes = bytes + #job
      taken[#taken + 1] = { entry, job, seq, hold[4] + 1 }
    else
      redis.call('XACK', stream, GROUP, entry)
    end
  end
  return false
end
