wrk.path = "/api/leaderboard/top?limit=100" -- without a function `request`, wrk makes the request once
