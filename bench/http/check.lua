-- One question a request: the caller's own right. ACCESS names a file with an access token and a permission its holder has a line;
-- they ask in turn.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local requests, next_request = {}, 0

function init(args)
  for line in io.lines(os.getenv("ACCESS")) do
    local token, permission = line:match("(%S+) (%S+)")
    requests[#requests + 1] = wrk.format("POST", "/api/v1/authz/check",
      { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }, '{"permission":"' .. permission .. '"}')
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end
