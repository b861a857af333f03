-- GET of GET_PATH. ACCESS names a file with an access token a line, whatever comes behind it.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
dofile(os.getenv("SCRIPTS") .. "/in_turn.lua")

in_turn(function(line)
  return wrk.format("GET", os.getenv("GET_PATH"), { ["Authorization"] = "Bearer " .. line:match("%S+") })
end)
