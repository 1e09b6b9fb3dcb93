-- One batch into one season of a board: absolute values, guarded by the version chain.
-- KEYS: ranks, members, version.
-- ARGV: incarnation, n, then n times (partition, previous version, new version),
--       then rows of (partition, player id, score, detail); an empty score only asks for the rank.
-- Returns {'GAP'} when this Redis does not hold what the batch builds on (nothing is changed),
-- else {'OK', total, old place, new place, ...} with places from 0, -1 for not ranked.
local ranks, members, version = KEYS[1], KEYS[2], KEYS[3]
if redis.call('HGET', version, 'incarnation') ~= ARGV[1] then return {'GAP'} end
local n = tonumber(ARGV[2])
local fresh = {}
for i = 3, 3 * n + 2, 3 do
  local held = tonumber(redis.call('HGET', version, ARGV[i]) or -1)
  if held < tonumber(ARGV[i + 1]) then return {'GAP'} end
  -- A version at or above the new one: the batch was applied before, its rows are already there.
  fresh[ARGV[i]] = held < tonumber(ARGV[i + 2])
end
local function member_of(player)
  local detail = redis.call('HGET', members, player)
  return detail and string.sub(detail, 1, 12) .. player
end
local function place_of(player)
  local member = member_of(player)
  return member and redis.call('ZRANK', ranks, member) or -1
end
local first = 3 * n + 3
local places = {}
for i = first, #ARGV, 4 do places[#places + 1] = place_of(ARGV[i + 1]) end
for i = first, #ARGV, 4 do
  local player, score, detail = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if score ~= '' and fresh[ARGV[i]] then
    local before, after = member_of(player), string.sub(detail, 1, 12) .. player
    if before and before ~= after then redis.call('ZREM', ranks, before) end
    redis.call('ZADD', ranks, score, after)
    redis.call('HSET', members, player, detail)
  end
end
for i = 3, 3 * n + 2, 3 do
  if fresh[ARGV[i]] then redis.call('HSET', version, ARGV[i], ARGV[i + 2]) end
end
local answer = {'OK', redis.call('ZCARD', ranks)}
local row = 0
for i = first, #ARGV, 4 do
  row = row + 1
  answer[#answer + 1] = places[row]
  answer[#answer + 1] = place_of(ARGV[i + 1])
end
return answer
