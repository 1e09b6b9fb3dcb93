-- The display names of players. KEYS: names. ARGV: player ids.
-- Returns nil when this Redis does not hold every name, else the version of all of them (how far each partition of the
-- players topic is in it: no name changes without it; and `$anew`, which changes when rows or names were put right
-- without another version, on whatever board), then a name or nil for each player.
local names = KEYS[1]
local partitions = tonumber(redis.call('HGET', names, '$partitions') or 0)
if partitions == 0 then return nil end
local version = {redis.call('HGET', names, '$incarnation') or '', redis.call('HGET', names, '$anew') or ''}
for partition = 0, partitions - 1 do
  local offset = redis.call('HGET', names, '$' .. partition) or ''
  if not tonumber(offset) then return nil end
  version[#version + 1] = offset
end
local found = {table.concat(version, '.')}
for i = 1, #ARGV do found[i + 1] = redis.call('HGET', names, ARGV[i]) end
return found
