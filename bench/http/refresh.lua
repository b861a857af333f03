-- Refreshes of distinct sessions: a token is taken from the queue for each request, and the successor in the answer goes to its
-- end. TOKENS names a file with one refresh token a line, more of them than wrk has connections.
-- REFRESH_PATH and FIELD: the route, and what the token is called in JSON. ROTATES=no: the server hands out no successors.
-- DELAY_MS: how long a connection rests before each request, on average.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local path = os.getenv("REFRESH_PATH") or "/api/v1/auth/refresh"
local field = os.getenv("FIELD") or "refresh_token"
local rotates = os.getenv("ROTATES") ~= "no"
local rest = tonumber(os.getenv("DELAY_MS") or "")
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
  if not rotates then
    tail = tail + 1
    queue[tail] = token
  end
  return wrk.format("POST", path, nil, '{"' .. field .. '":"' .. token .. '"}')
end

if rotates then
  local pattern = '"' .. field .. '":"([^"]+)"'

  function response(status, headers, body)
    local token = status == 200 and body:match(pattern)
    if not token then
      io.stderr:write("status ", status, ": ", body, "\n")
      return
    end
    tail = tail + 1
    queue[tail] = token
  end
end

if rest then
  -- Spread, so that the connections don't march in step.
  function delay()
    return math.random(math.floor(rest / 2), math.floor(rest * 3 / 2))
  end
end
