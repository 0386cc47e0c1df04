-- What every script may use; put in front of each by the loader.
local GROUP = 'workers'

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Reading calls that fail while the group or the stream does not exist yet.
local function try(...)
  local reply = redis.pcall(...)
  if not reply or reply.err then
    return {}
  end
  return reply
end

-- {entry, consumer, idle ms, deliveries} of an entry in flight, or nil.
local function hold_of(stream, entry)
  return try('XPENDING', stream, GROUP, entry, entry, 1)[1]
end

-- The id up to which the group has handed entries out: nothing above it is in flight.
local function last_delivered(stream)
  for _, group in ipairs(try('XINFO', 'GROUPS', stream)) do
    local info = {}
    for i = 1, #group, 2 do
      info[group[i]] = group[i + 1]
    end
    if info['name'] == GROUP then
      return info['last-delivered-id']
    end
  end
  return '0-0'
end

local function split_id(entry)
  local ms, n = string.match(entry, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(n)
end

local function is_after(entry, other)
  local ms, n = split_id(entry)
  local other_ms, other_n = split_id(other)
  return ms > other_ms or (ms == other_ms and n > other_n)
end

-- Job JSON and seq of an entry's flat field list. A field that is not there is ''.
local function parts(fields)
  local job, seq = '', ''
  for i = 1, #fields, 2 do
    if fields[i] == 'j' then
      job = fields[i + 1]
    elseif fields[i] == 'n' then
      seq = fields[i + 1]
    end
  end
  return job, seq
end

-- The encoder writes the id first.
local function job_id_of(job)
  return string.match(job, '^{"id":"([^"]*)"') or ''
end

-- Times and seqs are put in front of JSON objects made by the clients, because cjson would not give the rest back
-- unchanged.
local function with(name, number, object)
  local comma = object == '{}' and '' or ','
  return string.format('{"%s":%.0f%s', name, number, comma) .. string.sub(object, 2)
end

local function note_of(notes, id)
  local text = redis.call('HGET', notes, id)
  return text and cjson.decode(text) or {}
end

-- Milliseconds since a consumer's last heartbeat, or nil if it never had one.
local function beat_age(beats, consumer, now)
  local beat = redis.call('HGET', beats, consumer)
  local at = beat and string.match(beat, '^{"at":(%d+)')
  return at and math.max(0, now - tonumber(at))
end

-- How many entries to ask for next, after `step` of them had `bytes` of jobs: a reply becomes a copy in memory, and
-- jobs may be large.
local FIRST_STEP, LARGEST_STEP, STEP_BYTES = 4, 32, 262144

local function next_step(step, bytes)
  if bytes > STEP_BYTES then
    return math.max(1, math.floor(step / 4))
  end
  return math.min(LARGEST_STEP, step * 2)
end

local function is_gone(beats, consumer, now, gone_after)
  local age = beat_age(beats, consumer, now)
  return not age or age > gone_after
end

local function count_waiting(waiting, page, by)
  if page and page ~= '' and redis.call('HINCRBY', waiting, page, by) <= 0 then
    redis.call('HDEL', waiting, page)
  end
end

-- Up to `count` {member, score} of a sorted set after (score, member), in its order or backwards. Members with one
-- score are in the order of their bytes, so the position holds whatever comes and goes.
local function members_after(key, score, member, count, backwards)
  local found = {}
  local command, from, to = 'ZRANGEBYSCORE', score, '+inf'
  if backwards then
    command, to = 'ZREVRANGEBYSCORE', '-inf'
  end
  local offset = 0
  while #found < count do
    local chunk = redis.call(command, key, from, to, 'WITHSCORES', 'LIMIT', offset, count)
    if #chunk == 0 then
      break
    end
    for i = 1, #chunk, 2 do
      local passed = member ~= '' and chunk[i + 1] == score
        and (backwards and chunk[i] >= member or not backwards and chunk[i] <= member)
      if not passed and #found < count then
        found[#found + 1] = { chunk[i], chunk[i + 1] }
      end
    end
    offset = offset + count
  end
  return found
end

-- Moves out of the stream are logged, so that a count that takes long can make up for them.
local MOVES_KEPT = 100000

local function log_move(moves, counters, id, seq)
  redis.call('XADD', moves, 'MAXLEN', '~', MOVES_KEPT, '*', 'i', id, 'n', seq)
  redis.call('HINCRBY', counters, 'moved', 1)
end
