-- One question a request: the caller's own right. ACCESS names a file with an access token and a permission its holder has a line.
-- CHECK_PATH: the route.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
dofile(os.getenv("SCRIPTS") .. "/in_turn.lua")
local path = os.getenv("CHECK_PATH") or "/api/v1/authz/check"

in_turn(function(line)
  local token, permission = line:match("(%S+) (%S+)")
  return wrk.format("POST", path,
    { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }, '{"permission":"' .. permission .. '"}')
end)
