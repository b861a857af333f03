-- Whether there are so few accounts that building every index anew costs nothing worth speaking of, and that nobody is there to wait.
-- $1 few integer
-- -> is_almost_empty boolean
SELECT /* Seeding/SeedDemonstration.is_almost_empty */ count(*) <= $1 FROM (SELECT FROM users LIMIT $1 + 1) u;
