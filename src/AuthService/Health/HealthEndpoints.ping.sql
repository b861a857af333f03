-- Does the database answer?
SELECT /* Health/HealthEndpoints.ping */ 1;
