-- Real rotation of distinct sessions: a token is taken from the queue for each request, and the successor in the answer goes
-- to its end. TOKENS names a file with one refresh token a line, more of them than wrk has connections.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local queue, head, tail = {}, 1, 0

function init(args)
  for line in io.lines(os.getenv("TOKENS")) do
    tail = tail + 1
    queue[tail] = line
  end
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local token = queue[head]
  queue[head] = nil
  head = head + 1
  return wrk.format("POST", "/api/v1/auth/refresh", nil, '{"refresh_token":"' .. token .. '"}')
end

function response(status, headers, body)
  local token = status == 200 and body:match('"refresh_token":"([^"]+)"')
  if not token then
    io.stderr:write("status ", status, ": ", body, "\n")
    return
  end
  tail = tail + 1
  queue[tail] = token
end
