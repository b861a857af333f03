-- One question a request: the caller's own right. ACCESS names a file with an access token and a permission its holder has a line.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
dofile(os.getenv("SCRIPTS") .. "/in_turn.lua")

in_turn(function(line)
  local token, permission = line:match("(%S+) (%S+)")
  return wrk.format("POST", "/api/v1/authz/check",
    { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }, '{"permission":"' .. permission .. '"}')
end)
