-- Some bodies made beforehand and sent in turn, as making one takes milliseconds; each request has a key of its own.
local made, turn = {}, 0
local headers = {["Content-Type"] = "application/json", ["Prefer"] = prefer}
function init()
  for number = 1, 16 do
    local scores = {}
    for each = 1, batch do
      local player, score = math.random(0, players - 1), math.random(1, 500)
      scores[each] = string.format('{"user_id":"player-%d","score":%d}', player, score)
    end
    local body = '{"scores":[' .. table.concat(scores, ",") .. ']}'
    made[number] = wrk.format("POST", "/api/v1/scores", headers, body)
  end
end

function request()
  turn = turn % #made + 1
  return made[turn]
end

function response(status, _, body)
  if status ~= 200 then count("status " .. status) end
  for what in string.gmatch(body, '"status":"(%a+)"') do count("score " .. what) end
end
