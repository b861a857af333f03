-- The permissions of the accounts 1 to USERS, one after the other.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local users, n = tonumber(os.getenv("USERS")), 0

function request()
  n = n % users + 1
  return wrk.format("GET", "/api/v1/permissions/" .. n)
end
