-- Questions about one season of a board, all answered at once, so that they agree. Reads only; O(log n) and the rows.
-- KEYS: ranks, members, version, values. ARGV: how ties rank, then questions, each (name, number of arguments, ...):
--   range first count | around player above below | around_score score above below | after score member count |
--   before score member count | places player... | would_rank score | percentile percent
-- Returns nil when this Redis does not hold the board, else {version pairs, total, answers}. An answer is a list of
-- slices {first place, rows ahead, better values, score of the next better rank, member, score, detail, ...}; that of
-- would_rank is the rank.
local ranks, members, version, values, ties = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local held = redis.call('HGETALL', version)
if #held == 0 then return nil end
local total = redis.call('ZCARD', ranks)
local torn = false
local function count_better(key, score) return redis.call('ZCOUNT', key, '-inf', '(' .. score) end
local function slice(first, stop)
  if first < 0 then first = 0 end
  if stop > total then stop = total end
  if first >= stop then return {} end
  local found = redis.call('ZRANGE', ranks, first, stop - 1, 'WITHSCORES')
  local score, ahead = found[2], nil
  if ties == 'first_to_reach' then
    ahead = first > 0 and redis.call('ZRANGE', ranks, first - 1, first - 1, 'WITHSCORES') or {}
  else
    ahead = redis.call('ZREVRANGEBYSCORE', ranks, '(' .. score, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  end
  local made = {first, count_better(ranks, score), ties == 'dense' and count_better(values, score) or 0, ahead[2] or ''}
  for i = 1, #found, 2 do
    local detail = redis.call('HGET', members, string.sub(found[i], 13))
    if not detail then torn = true end
    made[#made + 1] = found[i]
    made[#made + 1] = found[i + 1]
    made[#made + 1] = detail or ''
  end
  return made
end
local function place_of(player)
  local detail = redis.call('HGET', members, player)
  if not detail then return nil end
  local place = redis.call('ZRANK', ranks, string.sub(detail, 1, 12) .. player)
  if not place then torn = true end
  return place or nil
end
-- Bytewise, as Redis orders members: Lua's own < goes by the locale of the server.
local function is_before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
-- The number of rows before a point (score, member), and whether a row is there: where none is, a binary search among
-- the rows of that score.
local function locate(score, member)
  if redis.call('ZSCORE', ranks, member) == score then return redis.call('ZRANK', ranks, member), true end
  local low, high = count_better(ranks, score), redis.call('ZCOUNT', ranks, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(redis.call('ZRANGE', ranks, middle, middle)[1], member) then low = middle + 1 else high = middle end
  end
  return low, false
end
local ask = {}
function ask.range(a) return {slice(tonumber(a[1]), a[1] + a[2])} end
function ask.around(a)
  local place = place_of(a[1])
  return place and {slice(place - a[2], place + a[3] + 1)} or {}
end
function ask.around_score(a)
  local place = redis.call('ZCOUNT', ranks, '-inf', a[1])
  return {slice(place - a[2], place + a[3])}
end
function ask.after(a)
  local place, there = locate(a[1], a[2])
  if there then place = place + 1 end
  return {slice(place, place + a[3])}
end
function ask.before(a)
  local place = locate(a[1], a[2])
  return {slice(place - a[3], place)}
end
function ask.places(a)
  local found = {}
  for i = 1, #a do
    local place = place_of(a[i])
    if place then found[#found + 1] = slice(place, place + 1) end
  end
  return found
end
function ask.would_rank(a)
  if ties == 'first_to_reach' then return redis.call('ZCOUNT', ranks, '-inf', a[1]) + 1 end
  return count_better(ties == 'dense' and values or ranks, a[1]) + 1
end
function ask.percentile(a)
  local place = math.max(0, math.min(total - 1, math.floor(total - total * a[1] / 100)))
  return {slice(place, place + 1)}
end
local answers, i = {}, 2
while i <= #ARGV do
  local arguments = {}
  for j = 1, tonumber(ARGV[i + 1]) do arguments[j] = ARGV[i + 1 + j] end
  answers[#answers + 1] = ask[ARGV[i]](arguments)
  i = i + 2 + #arguments
end
if torn then return nil end
return {held, total, answers}
