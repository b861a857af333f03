-- GET of GET_PATH. ACCESS names a file with an access token a line, whatever comes behind it; their holders ask in turn.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local requests, next_request = {}, 0

function init(args)
  for line in io.lines(os.getenv("ACCESS")) do
    requests[#requests + 1] = wrk.format("GET", os.getenv("GET_PATH"), { ["Authorization"] = "Bearer " .. line:match("%S+") })
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end
