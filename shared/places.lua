-- Where given players stand in a season of a board, with the version it is of.
-- KEYS: ranks, members, version. ARGV: player ids.
-- Returns nil when this Redis does not hold the board, else {version pairs, total, {place, member, score, detail, ...}};
-- place counts from 0 and is -1 for a player who is not ranked.
local version = redis.call('HGETALL', KEYS[3])
if #version == 0 then return nil end
local rows = {}
for i = 1, #ARGV do
  local detail = redis.call('HGET', KEYS[2], ARGV[i])
  local member = detail and string.sub(detail, 1, 12) .. ARGV[i]
  local place = member and redis.call('ZRANK', KEYS[1], member)
  if detail and not place then return nil end
  rows[#rows + 1] = place or -1
  rows[#rows + 1] = member or ''
  rows[#rows + 1] = place and redis.call('ZSCORE', KEYS[1], member) or ''
  rows[#rows + 1] = detail or ''
end
return {version, redis.call('ZCARD', KEYS[1]), rows}
