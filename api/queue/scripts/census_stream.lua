-- Counts a stretch of the stream. ARGV: from, count, bytes after which to stop. Returns {the last entry looked at or '',
-- whether this was all, {entry, id, seq, entry, id, seq, ...}}.
local ready = KEYS[1]
return count_stream(ready, ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
