-- What drop_indexes.sql needs, before anything else is held: who asks for more while holding less can meet another who does the same.
LOCK TABLE /* Seeding/SeedDemonstration.lock_out_readers */ users, user_roles IN ACCESS EXCLUSIVE MODE;
