-- The display names of players. KEYS: names. ARGV: player ids.
-- Returns nil when this Redis does not hold every name, else a name or nil for each player.
local names = KEYS[1]
local partitions = tonumber(redis.call('HGET', names, '$partitions') or 0)
if partitions == 0 then return nil end
for partition = 0, partitions - 1 do
  if not tonumber(redis.call('HGET', names, '$' .. partition) or '') then return nil end
end
local found = {}
for i = 1, #ARGV do found[i] = redis.call('HGET', names, ARGV[i]) end
return found
