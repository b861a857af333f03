-- The highest n of an account u{n} made by an earlier seeding: this one goes on after it.
-- -> n bigint
SELECT /* Seeding/SeedDemonstration.find_last */ coalesce(max(substr(username, 2)::bigint), 0)
FROM   users
WHERE  deleted_at IS NULL AND username ~ '^u[0-9]{1,15}$' AND lower(email) = username || '@example.com';
