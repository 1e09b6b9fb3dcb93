-- One batch, or a part of a repair, into one season of a board: absolute values, guarded by the version chain.
-- KEYS: ranks, members, version, values (the distinct scores, of boards with dense ranks only).
-- ARGV: incarnation, number of partitions, how ties rank, when Redis lets the season go (ms; '' never), n, then n links
--       (see chain.lua), then rows of (partition, player id, score, detail); an empty score only asks for the rank, '-' takes the row out.
-- A single link to '!' empties the board: it holds rows that the tables have lost, so every partition is put in again.
-- Returns {'GAP'} when this Redis does not hold what the batch builds on (nothing is changed), else
-- {'OK', version pairs, total, {old rank, new rank, score, score of the next better rank, ...}}; rank 0: not ranked.
local ranks, members, version, values = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local partitions, ties, n = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[5])
local function begins_anew()
  if redis.call('EXISTS', version) == 1 then return false end
  for i = 6, 5 + 3 * n, 3 do
    if ARGV[i + 1] ~= '-1' then return false end
  end
  return n > 0
end
local function set_every(field)
  for partition = 0, partitions - 1 do redis.call('HSET', version, partition, field) end
end
if not is_whole(version, ARGV[1], ARGV[2], '') then
  local anew = begins_anew()
  if not anew and (n == 0 or not is_repair(ARGV[7])) then return {'GAP'} end
  redis.call('DEL', ranks, members, version, values)
  redis.call('HSET', version, 'incarnation', ARGV[1], 'partitions', ARGV[2])
  if anew then set_every('-1') end
end
local fresh = check_links(version, '', 6, n)
if not fresh then return {'GAP'} end
if n == 1 and ARGV[8] == '!' then
  redis.call('DEL', ranks, members, values)
  set_every('-')
  return {'OK', {}, 0, {}}
end
local function member_of(player)
  local detail = redis.call('HGET', members, player)
  return detail and string.sub(detail, 1, 12) .. player
end
local function score_of(player)
  local member = member_of(player)
  return member and redis.call('ZSCORE', ranks, member)
end
local function rank_of(player)
  if ties == 'first_to_reach' then
    local member = member_of(player)
    local place = member and redis.call('ZRANK', ranks, member)
    return place and place + 1 or 0
  end
  local score = score_of(player)
  return score and redis.call('ZCOUNT', ties == 'dense' and values or ranks, '-inf', '(' .. score) + 1 or 0
end
local function score_ahead(player, rank, score)
  local ahead
  if ties == 'first_to_reach' then
    ahead = rank > 1 and redis.call('ZRANGE', ranks, rank - 2, rank - 2, 'WITHSCORES') or {}
  else
    ahead = redis.call('ZREVRANGEBYSCORE', ranks, '(' .. score, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  end
  return ahead[2] or ''
end
local function take_out(player)
  local member = member_of(player)
  if not member then return end
  local score = redis.call('ZSCORE', ranks, member)
  redis.call('ZREM', ranks, member)
  redis.call('HDEL', members, player)
  if ties == 'dense' and score and redis.call('ZCOUNT', ranks, score, score) == 0 then
    redis.call('ZREM', values, score)
  end
end
local first = 3 * n + 6
local olds = {}
for i = first, #ARGV, 4 do olds[#olds + 1] = rank_of(ARGV[i + 1]) end
for i = first, #ARGV, 4 do
  local player, score, detail = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if score ~= '' and fresh[ARGV[i]] then
    take_out(player)
    if score ~= '-' then
      redis.call('ZADD', ranks, score, string.sub(detail, 1, 12) .. player)
      redis.call('HSET', members, player, detail)
      if ties == 'dense' then redis.call('ZADD', values, score, score) end
    end
  end
end
move_links(version, '', 6, n, fresh)
if ARGV[4] ~= '' then
  for i = 1, #KEYS do redis.call('PEXPIREAT', KEYS[i], ARGV[4]) end -- at once, if that is past
end
local moved, row = {}, 0
for i = first, #ARGV, 4 do
  row = row + 1
  local rank, score = rank_of(ARGV[i + 1]), score_of(ARGV[i + 1])
  moved[#moved + 1] = olds[row]
  moved[#moved + 1] = rank
  moved[#moved + 1] = score or ''
  moved[#moved + 1] = score and score_ahead(ARGV[i + 1], rank, score) or ''
end
return {'OK', redis.call('HGETALL', version), redis.call('ZCARD', ranks), moved}
