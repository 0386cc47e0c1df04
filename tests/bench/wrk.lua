-- Sends the requests of a file, each once; prints what came back as one line of JSON.
local threads = {}
local file, last

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  file = assert(io.open(args[1], "rb"))
  exhausted = false
end

function request()
  local length = file:read(6)
  if length then
    last = file:read(tonumber(length))
  else
    exhausted = true
    wrk.thread:stop()
  end
  return last
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"duration_us":%d,"status":%d,"socket":%d,"timeout":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"exhausted":%s}',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max, tostring(threads[1]:get("exhausted"))))
end
