-- Nine reads of ten are top pages of three sizes, the tenth is a rank of a random player.
local tops = {}
function init()
  for turn, size in ipairs({10, 50, 100}) do tops[turn] = wrk.format("GET", "/api/leaderboard/top?limit=" .. size) end
end

function request()
  if math.random(10) > 1 then return tops[math.random(#tops)] end
  return wrk.format("GET", "/api/leaderboard/rank/player-" .. math.random(0, players - 1))
end
