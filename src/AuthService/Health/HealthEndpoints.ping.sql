-- Does the database answer?
-- -> one integer   (1 row)
SELECT /* Health/HealthEndpoints.ping */ 1;
