-- Makes stream and group where they are missing: the group starts with the first entry there is.
local ready = KEYS[1]
for _, group in ipairs(try('XINFO', 'GROUPS', ready)) do
  if group[2] == GROUP then
    return 0
  end
end
redis.call('XGROUP', 'CREATE', ready, GROUP, '0', 'MKSTREAM')
return 1
