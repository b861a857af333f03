COPY /* Seeding/SeedDemonstration.copy_users */ users (id, email, username, display_name, password_hash, email_verified, created_at) FROM STDIN (FORMAT binary);
-- Accounts, as binary rows. The driver looks for COPY at the very beginning, so this comment comes after.
