-- Refreshes of distinct sessions: a token is taken from the queue for each request, and the successor in the answer goes to its
-- end. TOKENS names a file with one refresh token a line, more of them than wrk has connections.
-- REFRESH_PATH and FIELD: the route, and what the token is called in JSON. ROTATES=no: the server hands out no successors.
-- DELAY_MS: how long a connection rests before each request, on average.
-- What this costs, the server lacks: both share the machine. So a request is put together from two constant texts, and an answer is not searched by a pattern.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local path = os.getenv("REFRESH_PATH") or "/api/v1/auth/refresh"
local field = os.getenv("FIELD") or "refresh_token"
local rotates = os.getenv("ROTATES") ~= "no"
local rest = tonumber(os.getenv("DELAY_MS") or "")
local find, sub = string.find, string.sub

-- A ring: no more tokens come back than were taken.
local queue, size, head, tail = {}, 0, 0, 0

function init(args)
  for line in io.lines(os.getenv("TOKENS")) do
    size = size + 1
    queue[size] = line
  end
  wrk.headers["Content-Type"] = "application/json"
end

local function take()
  head = head % size + 1
  local token = queue[head]
  queue[head] = nil
  return token
end

local function put(token)
  tail = tail % size + 1
  queue[tail] = token
end

-- What stands before a token, by the token's length, which the request tells.
local before, behind = {}, '"}'

local function before_of(length)
  local text = wrk.format("POST", path, nil, '{"' .. field .. '":"' .. string.rep("x", length) .. behind)
  before[length] = sub(text, 1, -length - #behind - 1)
  return before[length]
end

function request()
  local token = take()
  if not rotates then put(token) end
  return (before[#token] or before_of(#token)) .. token .. behind
end

if rotates then
  local mark = '"' .. field .. '":"'

  function response(status, headers, body)
    local _, last = find(body, mark, 1, true)
    local past = last and find(body, '"', last + 1, true)
    if status ~= 200 or not past or past == last + 1 then
      io.stderr:write("status ", status, ": ", body, "\n")
      return
    end
    put(sub(body, last + 1, past - 1))
  end
end

if rest then
  -- Spread, so that the connections don't march in step.
  function delay()
    return math.random(math.floor(rest / 2), math.floor(rest * 3 / 2))
  end
end
