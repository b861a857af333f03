-- Nobody adds or changes accounts while numbers are handed out. Reading goes on until drop_checks.sql, which locks readers out.
LOCK TABLE /* Seeding/SeedDemonstration.lock_users */ users IN SHARE ROW EXCLUSIVE MODE;
