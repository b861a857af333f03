-- What a service in use is asked: 80 % checks, 15 % refreshes, 4 % profiles, 1 % grants and revocations.
-- ACCESS: as in check.lua. TOKENS: as in refresh.lua, sessions of their own. ADMIN: an administrator's access token. FIRST_ID, LAST_ID:
-- the accounts to grant the role ROLE_ID to, and to take it from.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local json = { ["Content-Type"] = "application/json" }
local admin = { ["Authorization"] = "Bearer " .. os.getenv("ADMIN") }
local first, last, role = tonumber(os.getenv("FIRST_ID")), tonumber(os.getenv("LAST_ID")), os.getenv("ROLE_ID")
local checks, profiles, queue, head, tail = {}, {}, {}, 1, 0
local n, grants, grantee = 0, 0, first - 1

function init(args)
  for line in io.lines(os.getenv("ACCESS")) do
    local token, permission = line:match("(%S+) (%S+)")
    local bearer = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }
    checks[#checks + 1] = wrk.format("POST", "/api/v1/authz/check", bearer, '{"permission":"' .. permission .. '"}')
    profiles[#profiles + 1] = wrk.format("GET", "/api/v1/users/profile", { ["Authorization"] = "Bearer " .. token })
  end
  for line in io.lines(os.getenv("TOKENS")) do
    tail = tail + 1
    queue[tail] = line
  end
end

local function refresh()
  local token = queue[head]
  queue[head] = nil
  head = head + 1
  return wrk.format("POST", "/api/v1/auth/refresh", json, '{"refresh_token":"' .. token .. '"}')
end

-- An account is granted the role by one and loses it by the next.
local function grant()
  grants = grants + 1
  if grants % 2 == 1 then grantee = grantee < last and grantee + 1 or first end
  return wrk.format(grants % 2 == 1 and "PUT" or "DELETE", "/api/v1/users/" .. grantee .. "/roles/" .. role, admin)
end

function request()
  n = n + 1
  local kind = n * 37 % 100   -- every number below 100 once in a hundred, well mixed
  if kind < 80 then return checks[n % #checks + 1] end
  if kind < 95 then return refresh() end
  if kind < 99 then return profiles[n % #profiles + 1] end
  return grant()
end

-- wrk does not say which request an answer belongs to; only refreshes carry a refresh token.
function response(status, headers, body)
  if status >= 400 then io.stderr:write("status ", status, ": ", body, "\n") end
  local token = body:match('"refresh_token":"([^"]+)"')
  if token then
    tail = tail + 1
    queue[tail] = token
  end
end
