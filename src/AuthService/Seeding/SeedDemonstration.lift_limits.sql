-- For this transaction a statement takes as long as it takes.
SET /* Seeding/SeedDemonstration.lift_limits */ LOCAL statement_timeout = 0;
