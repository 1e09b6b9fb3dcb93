-- Moves the numbers of partitions in one hash, with fields that go with them, guarded by the version chain.
-- KEYS: the hash. ARGV: incarnation, number of partitions, prefix of the fields that are not data, n, n links
-- (see chain.lua), then (partition, field, value) to set, or to delete where the value is empty. Returns 'GAP' (nothing is changed) or 'OK'.
local hash, prefix, n = KEYS[1], ARGV[3], tonumber(ARGV[4])
if not is_whole(hash, ARGV[1], ARGV[2], prefix) then
  if n == 0 or not is_repair(ARGV[6]) then return 'GAP' end
  redis.call('DEL', hash)
  redis.call('HSET', hash, prefix .. 'incarnation', ARGV[1], prefix .. 'partitions', ARGV[2])
end
local fresh = check_links(hash, prefix, 5, n)
if not fresh then return 'GAP' end
for i = 3 * n + 5, #ARGV, 3 do
  if fresh[ARGV[i]] and ARGV[i + 2] == '' then
    redis.call('HDEL', hash, ARGV[i + 1])
  elseif fresh[ARGV[i]] then
    redis.call('HSET', hash, ARGV[i + 1], ARGV[i + 2])
  end
end
move_links(hash, prefix, 5, n, fresh)
return 'OK'
