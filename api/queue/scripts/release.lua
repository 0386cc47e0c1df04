-- Makes due what waits for its page's calls to go on, a stretch of `retry` at a time.
-- ARGV: page ('*': any that has no pause of its own), ms at which the walk began ('' to begin), score and id to go on after, how many to look at.
-- Returns {ms at which the walk began, score and id to go on after ('' at the end), how many were released}.
local retry, notes, pauses = KEYS[1], KEYS[2], KEYS[3]
local page, began, score, member, count = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

if began == '' then
  -- What is due by now comes by itself. Those released get this score too: behind the walk, in the order of their ids.
  began = string.format('%.0f', now_ms())
  score = '(' .. began
end

local found, released = members_after(retry, score, member, count, false), 0
for _, entry in ipairs(found) do
  local note = note_of(notes, entry[1])
  local its = note.page or ''
  local goes_on = its == page or page == '*' and redis.call('HEXISTS', pauses, its) == 0
  if note.waits and goes_on then
    redis.call('ZADD', retry, 'XX', began, entry[1])
    released = released + 1
  end
end
local last = found[#found]
if #found < count then
  last = { '', '' }
end
return { began, last[2], last[1], string.format('%.0f', released) }
