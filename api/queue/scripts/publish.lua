-- Accepts jobs: each lead once, numbered without gaps. ARGV: seconds that a lead is remembered, number of live jobs,
-- then (id, job) for each live one and (id, job, note) for each that is born dead. The keys after the named ones
-- remember the leads, in the same order. Returns one character a job: 1 accepted, 0 duplicate. A job that is sent
-- again because its answer was lost is known by its id and is accepted, once.
local ready, counters, dead, parked, notes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local NAMED = 5

local remembered, live = ARGV[1], tonumber(ARGV[2])
local first = tonumber(redis.call('HGET', counters, 'accepted') or 0)
local seq, duplicates = first, 0
local outcome = {}

local function bury(id, job, note)
  local now = now_ms()
  redis.call('ZADD', dead, now, id)
  redis.call('HSET', parked, id, with('seq', seq, job))
  redis.call('HSET', notes, id, with('seq', seq, with('at', now, note)))
end

-- Counts what was accepted, also if it was cut short: seqs stay dense.
local function finish(failure)
  if seq > first then
    redis.call('HINCRBY', counters, 'accepted', seq - first)
  end
  if duplicates > 0 then
    redis.call('HINCRBY', counters, 'duplicates', duplicates)
  end
  return failure or table.concat(outcome)
end

-- What went wrong with the job at `arg`, or nil. `number` is its seq as text: Lua would format it anew in each call.
local function put(i, arg, number)
  if i <= live then
    local added = redis.pcall('XADD', ready, '*', 'j', ARGV[arg + 1], 'n', number)
    return type(added) == 'table' and added or nil
  end
  local buried, trouble = pcall(bury, ARGV[arg], ARGV[arg + 1], ARGV[arg + 2])
  return not buried and redis.error_reply(type(trouble) == 'table' and trouble.err or trouble) or nil
end

local arg = 3
for i = 1, #KEYS - NAMED do
  local seen, id, number = KEYS[NAMED + i], ARGV[arg], string.format('%.0f', seq + 1)
  if redis.call('SET', seen, number .. ' ' .. id, 'NX', 'EX', remembered) then
    seq = seq + 1
    local failure = put(i, arg, number)
    if failure then
      seq = seq - 1
      redis.call('DEL', seen)
      return finish(failure)
    end
    outcome[i] = '1'
  elseif string.match(redis.call('GET', seen) or '', ' (.*)$') == id then
    outcome[i] = '1'
  else
    duplicates = duplicates + 1
    outcome[i] = '0'
  end
  arg = arg + (i <= live and 2 or 3)
end
return finish()
