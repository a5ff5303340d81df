-- SPDX-License-Identifier: Apache-2.0
-- wrk … -s load.lua <url> -- <file>: sends the requests of the file one after the other, and then begins again. Each
-- request consists of a line with its path, a line with the number of bytes of its body, and the body with a newline.

local requests = {}
local current = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local headers = { ["Content-Type"] = "application/json" }
  for path in function() return file:read("*l") end do
    local length = assert(tonumber(file:read("*l")))
    requests[#requests + 1] = wrk.format("POST", path, headers, assert(file:read(length)))
    file:read("*l")
  end
  file:close()
end

function request()
  current = current % #requests + 1
  return requests[current]
end

-- Times are microseconds.
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    'load {"requests":%d,"us":%d,"refused":%d,"failed":%d,"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, summary.duration, errors.status, failed,
    latency:percentile(50), latency:percentile(99), latency.max))
end
