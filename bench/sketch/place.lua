-- Put players on the board by absolute values: of each the place before, -1 for none, and after.
-- KEYS: ranks, members. ARGV: player, member, score of each.
local ranks, members, places = KEYS[1], KEYS[2], {}
for i = 1, #ARGV, 3 do
  local player, member, score = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local old, before = redis.call('HGET', members, player), -1
  if old then
    before = redis.call('ZRANK', ranks, old) or -1
    redis.call('ZREM', ranks, old)
  end
  redis.call('ZADD', ranks, score, member)
  redis.call('HSET', members, player, member)
  places[#places + 1] = before
  places[#places + 1] = redis.call('ZRANK', ranks, member)
end
return places
