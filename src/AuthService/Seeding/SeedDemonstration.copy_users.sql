-- Accounts, as binary rows.
COPY /* Seeding/SeedDemonstration.copy_users */ users (id, email, username, display_name, password_hash, email_verified, created_at) FROM STDIN (FORMAT binary);
