-- A foreign key is checked row by row while rows come in, and in one join when it is added: for two million rows the
-- difference is most of the time. Same transaction, so nobody sees the table without its keys.
ALTER TABLE /* Seeding/SeedDemonstration.drop_checks */ user_roles
    DROP CONSTRAINT user_roles_user_id_fkey,
    DROP CONSTRAINT user_roles_role_id_fkey;
