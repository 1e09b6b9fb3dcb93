-- Put a finished copy of a board in the board's place, at once.
-- KEYS: the copy's ranks, members, version, then the board's. An empty board has only a version.
for i = 1, 3 do
  if redis.call('EXISTS', KEYS[i]) == 1 then
    redis.call('RENAME', KEYS[i], KEYS[i + 3])
  else
    redis.call('DEL', KEYS[i + 3])
  end
end
return 'OK'
