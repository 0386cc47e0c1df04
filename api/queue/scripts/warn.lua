-- Counts something the operator should know. ARGV: key, text, how many different ones are kept.
local warnings = KEYS[1]
local key, text, kept = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = now_ms()

local old = redis.call('HGET', warnings, key)
local count, first = 0, now
if old then
  local notice = cjson.decode(old)
  count, first = notice.count, notice.first_ms
elseif redis.call('HLEN', warnings) >= kept then
  local oldest, last = nil, math.huge
  local all = redis.call('HGETALL', warnings)
  for i = 1, #all, 2 do
    local seen = cjson.decode(all[i + 1]).last_ms
    if seen < last then
      oldest, last = all[i], seen
    end
  end
  redis.call('HDEL', warnings, oldest)
end
local entry = string.format('{"count":%.0f,"first_ms":%.0f,"last_ms":%.0f,"text":', count + 1, first, now)
redis.call('HDEL', warnings, key)
redis.call('HSET', warnings, key, entry .. cjson.encode(text) .. '}')
return count + 1
