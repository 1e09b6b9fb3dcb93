-- The version chain of a hash that holds, besides other fields, one number a partition. Put before other scripts.
-- A link is (partition, from, to). A batch builds on `from`, a number: behind it there is a GAP, at or above `to` the
-- batch is there already (stale). A repair replaces exactly what it has seen, '=' and the raw field ('' if missing),
-- so that of two repairers, or of a late one and the next owner, only one goes on; while it puts rows in, by several
-- calls, the field is a token ('~...') and not a number: readers then take the whole hash as unknown.
local function is_repair(link) return string.sub(link, 1, 1) == '=' end
local function is_whole(hash, incarnation, partitions, prefix)
  return redis.call('HGET', hash, prefix .. 'incarnation') == incarnation
    and redis.call('HGET', hash, prefix .. 'partitions') == partitions
end
-- nil for a GAP, else partition -> whether its rows are to be written.
local function check_links(hash, prefix, first, n)
  local fresh = {}
  for i = first, first + 3 * (n - 1), 3 do
    local held, from = redis.call('HGET', hash, prefix .. ARGV[i]) or '', ARGV[i + 1]
    if is_repair(from) then
      if held ~= string.sub(from, 2) then return nil end
      fresh[ARGV[i]] = true
    else
      local at = tonumber(held)
      if not at or at < tonumber(from) then return nil end
      fresh[ARGV[i]] = at < tonumber(ARGV[i + 2])
    end
  end
  return fresh
end
local function move_links(hash, prefix, first, n, fresh)
  for i = first, first + 3 * (n - 1), 3 do
    if fresh[ARGV[i]] then redis.call('HSET', hash, prefix .. ARGV[i], ARGV[i + 2]) end
  end
end
