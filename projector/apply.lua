-- One batch, or a part of a repair, into one season of a board: absolute values, guarded by the version chain.
-- KEYS: ranks, members, version.
-- ARGV: incarnation, number of partitions, n, then n links (see chain.lua),
--       then rows of (partition, player id, score, detail); an empty score only asks for the rank.
-- A single link to '!' deletes the board: it holds rows that the tables have lost.
-- Returns {'GAP'} when this Redis does not hold what the batch builds on (nothing is changed), else
-- {'OK', version pairs, total, {old place, new place, ...}} with places from 0, -1 for not ranked.
local ranks, members, version = KEYS[1], KEYS[2], KEYS[3]
local n = tonumber(ARGV[3])
if not is_whole(version, ARGV[1], ARGV[2], '') then
  if n == 0 or not is_repair(ARGV[5]) then return {'GAP'} end
  redis.call('DEL', ranks, members, version)
  redis.call('HSET', version, 'incarnation', ARGV[1], 'partitions', ARGV[2])
end
local fresh = check_links(version, '', 4, n)
if not fresh then return {'GAP'} end
if n == 1 and ARGV[6] == '!' then
  redis.call('DEL', ranks, members, version)
  return {'OK', {}, 0, {}}
end
local function member_of(player)
  local detail = redis.call('HGET', members, player)
  return detail and string.sub(detail, 1, 12) .. player
end
local function place_of(player)
  local member = member_of(player)
  return member and redis.call('ZRANK', ranks, member) or -1
end
local first = 3 * n + 4
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
move_links(version, '', 4, n, fresh)
local moved, row = {}, 0
for i = first, #ARGV, 4 do
  row = row + 1
  moved[#moved + 1] = places[row]
  moved[#moved + 1] = place_of(ARGV[i + 1])
end
return {'OK', redis.call('HGETALL', version), redis.call('ZCARD', ranks), moved}
