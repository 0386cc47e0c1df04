-- Removes finished entries. ARGV: entries. Returns how many were still there.
local ready = KEYS[1]
redis.call('XACK', ready, GROUP, unpack(ARGV))
return redis.call('XDEL', ready, unpack(ARGV))
