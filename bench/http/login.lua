-- Log-in of seeded accounts, one after the other, from u{FIRST} to u{LAST} and again. PASSWORD is the one they share; LOGIN_PATH the route.
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local path = os.getenv("LOGIN_PATH") or "/api/v1/auth/login"
local first, last = tonumber(os.getenv("FIRST")), tonumber(os.getenv("LAST"))
local n = first - 1

function request()
  n = n < last and n + 1 or first
  return wrk.format("POST", path, { ["Content-Type"] = "application/json" },
    '{"email":"u' .. n .. '@example.com","password":"' .. os.getenv("PASSWORD") .. '"}')
end
