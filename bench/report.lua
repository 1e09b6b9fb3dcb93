-- What every workload has: counters of its thread, and one line at the end for a machine to read.
local threads = {}
counts = {}
function count(name) counts[name] = (counts[name] or 0) + 1 end
function setup(thread) table.insert(threads, thread) end

local function sums(errors)
  local found = {}
  for kind, number in pairs(errors) do
    found[kind == "status" and "status 400 and above" or "socket " .. kind] = number
  end
  for _, thread in ipairs(threads) do
    for name, number in pairs(thread:get("counts")) do found[name] = (found[name] or 0) + number end
  end
  return found
end

function done(summary, latency)
  local pairs_of = {}
  for name, number in pairs(sums(summary.errors)) do table.insert(pairs_of, string.format('"%s":%d', name, number)) end
  local function at(share) return string.format("%.3f", latency:percentile(share) / 1000) end
  io.write("\nBENCH {",
    string.format('"requests":%d,"seconds":%.6f,', summary.requests, summary.duration / 1000000),
    string.format('"p50":%s,"p90":%s,"p99":%s,"p999":%s,', at(50), at(90), at(99), at(99.9)),
    string.format('"worst":%.3f,"counts":{%s}}\n', latency.max / 1000, table.concat(pairs_of, ",")))
end
