-- Log-in of seeded accounts, one after the other; PASSWORD is the one they share.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local n = tonumber(os.getenv("FIRST"))

function request()
  n = n + 1
  return wrk.format("POST", "/api/v1/auth/login", { ["Content-Type"] = "application/json" },
    '{"email":"u' .. n .. '@example.com","password":"' .. os.getenv("PASSWORD") .. '"}')
end
