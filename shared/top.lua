-- Rows of a season of a board by rank, with the version they are of.
-- KEYS: ranks, members, version. ARGV: first and last place (from 0, inclusive).
-- Returns nil when this Redis does not hold the board, else {version pairs, total, {member, score, detail, ...}}.
local version = redis.call('HGETALL', KEYS[3])
if #version == 0 then return nil end
local ranked = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES')
local rows = {}
for i = 1, #ranked, 2 do
  local detail = redis.call('HGET', KEYS[2], string.sub(ranked[i], 13))
  if not detail then return nil end
  rows[#rows + 1] = ranked[i]
  rows[#rows + 1] = ranked[i + 1]
  rows[#rows + 1] = detail
end
return {version, redis.call('ZCARD', KEYS[1]), rows}
