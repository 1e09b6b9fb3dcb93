-- Questions about one season of a board, answered in one call so that they agree. Reads only; O(log n) and the rows.
-- KEYS: ranks, members, version, values. ARGV: how ties rank, then questions, each (name, number of arguments, ...):
--   range first count | from_rank rank count | around player above below | around_score score above below |
--   after score member count | before score member count | places player... | would_rank score | percentile hundredths
-- Returns nil when this Redis does not hold the board, else {version pairs, total, answers}. The answer to would_rank is
-- a rank; any other is a list of slices, rows that follow each other, each {first place, rows ahead, better values,
-- score of the next better rank, then member, score, detail of each row}; what `ties` does not need is 0.
local ranks, members, version, values, ties = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local held = redis.call('HGETALL', version)
if #held == 0 then return nil end
local total, torn = redis.call('ZCARD', ranks), false
if ties == 'dense' and total > 0 and redis.call('ZCARD', values) == 0 then return nil end

local function better_than(key, score) return redis.call('ZCOUNT', key, '-inf', '(' .. score) end
local function up_to(score) return redis.call('ZCOUNT', ranks, '-inf', score) end

local function head(first, score)
  if first == 0 then return {0, 0, 0, ''} end
  if ties == 'first_to_reach' then
    return {first, 0, 0, redis.call('ZRANGE', ranks, first - 1, first - 1, 'WITHSCORES')[2]}
  end
  local closest = redis.call('ZREVRANGEBYSCORE', ranks, '(' .. score, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return {first, better_than(ranks, score), ties == 'dense' and better_than(values, score) or 0, closest[2] or ''}
end

-- The rows from a place on, up to before another.
local function slice(first, stop)
  first, stop = math.max(first, 0), math.min(stop, total)
  if first >= stop then return {} end
  local found, players = redis.call('ZRANGE', ranks, first, stop - 1, 'WITHSCORES'), {}
  for i = 1, #found, 2 do players[#players + 1] = string.sub(found[i], 13) end
  local details = redis.call('HMGET', members, unpack(players))
  local made = head(first, found[2])
  for i = 1, #players do
    if not details[i] then torn = true end
    made[#made + 1] = found[2 * i - 1]
    made[#made + 1] = found[2 * i]
    made[#made + 1] = details[i] or ''
  end
  return made
end

-- The place, member and detail of a player's row; nothing where there is none.
local function find(player)
  local detail = redis.call('HGET', members, player)
  if not detail then return nil end
  local member = string.sub(detail, 1, 12) .. player
  local place = redis.call('ZRANK', ranks, member)
  if not place then torn = true end
  return place or nil, member, detail
end

-- Bytewise, as sorted sets are: `<` would go by the locale that the server was started with.
local function is_before(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then return a < b end
  end
  return #one < #other
end

-- How many rows are before a point (score, member), and whether a row is there: if none is (any more), by binary
-- search among the rows of that score.
local function locate(score, member)
  local there = redis.call('ZSCORE', ranks, member)
  if there and tonumber(there) == tonumber(score) then return redis.call('ZRANK', ranks, member), true end
  local low, high = better_than(ranks, score), up_to(score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(redis.call('ZRANGE', ranks, middle, middle)[1], member) then low = middle + 1 else high = middle end
  end
  return low, false
end

-- The place of the first row whose rank is at least this.
local function place_of_rank(rank)
  if ties == 'first_to_reach' or rank > total then return rank - 1 end
  if ties == 'dense' then
    local score = redis.call('ZRANGE', values, rank - 1, rank - 1)[1]
    return score and better_than(ranks, score) or total
  end
  local score = redis.call('ZRANGE', ranks, rank - 1, rank - 1, 'WITHSCORES')[2]
  return better_than(ranks, score) == rank - 1 and rank - 1 or up_to(score)
end

local ask = {}
function ask.range(first, count) return {slice(tonumber(first), first + count)} end
function ask.from_rank(rank, count)
  local first = place_of_rank(tonumber(rank))
  return {slice(first, first + count)}
end
function ask.around(player, above, below)
  local place = find(player)
  return place and {slice(place - above, place + below + 1)} or {}
end
function ask.around_score(score, above, below)
  local place = up_to(score)
  return {slice(place - above, place + below)}
end
function ask.after(score, member, count)
  local place, there = locate(score, member)
  if there then place = place + 1 end
  return {slice(place, place + count)}
end
function ask.before(score, member, count)
  local place = locate(score, member)
  return {slice(place - count, place)}
end
function ask.places(...)
  local found = {}
  for _, player in ipairs({...}) do
    local place, member, detail = find(player)
    if place then
      local score = redis.call('ZSCORE', ranks, member)
      local made = head(place, score)
      made[5], made[6], made[7] = member, score, detail
      found[#found + 1] = made
    end
  end
  return found
end
function ask.would_rank(score)
  if ties == 'first_to_reach' then return up_to(score) + 1 end
  return better_than(ties == 'dense' and values or ranks, score) + 1
end
function ask.percentile(hundredths)
  local place = math.min(total - 1, math.floor(total * (10000 - hundredths) / 10000))
  return {slice(place, place + 1)}
end

local answers, i = {}, 2
while i <= #ARGV do
  local n = tonumber(ARGV[i + 1])
  answers[#answers + 1] = ask[ARGV[i]](unpack(ARGV, i + 2, i + 1 + n))
  i = i + 2 + n
end
if torn then return nil end
return {held, total, answers}
