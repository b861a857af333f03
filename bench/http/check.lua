-- One question a request: the caller's own right, asked by the holders of the access tokens in the file ACCESS, in turn.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local requests, next_request = {}, 0

function init(args)
  for line in io.lines(os.getenv("ACCESS")) do
    requests[#requests + 1] = wrk.format("POST", "/api/v1/authz/check",
      { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. line }, '{"permission":"res1:read"}')
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end
