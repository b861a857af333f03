-- Nobody adds accounts while numbers are handed out; reading and signing in go on.
LOCK TABLE /* Seeding/SeedDemonstration.lock_users */ users IN SHARE ROW EXCLUSIVE MODE;
