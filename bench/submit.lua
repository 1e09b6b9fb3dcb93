local headers = {["Content-Type"] = "application/json"}
function request()
  local body = string.format('{"user_id":"player-%d","score":%d}', math.random(0, players - 1), math.random(1, 500))
  return wrk.format("POST", "/api/leaderboard/submit", headers, body)
end

-- 202 is a success to HTTP, not to us. This function makes wrk copy every answer into Lua, which is why reads lack it.
function response(status) if status ~= 200 then count("status " .. status) end end
