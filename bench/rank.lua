function request() return wrk.format("GET", "/api/leaderboard/rank/player-" .. math.random(0, players - 1)) end
