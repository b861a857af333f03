#!/bin/bash
# Run once by the image of PostgreSQL, as its superuser, while the data volume is empty: the service's account, which owns the database and nothing else.
set -euo pipefail
password=$(<"${AUTHSERVICE_DB_PASSWORD_FILE:-/run/secrets/authservice_db_password}")
psql -v ON_ERROR_STOP=1 -v password="$password" -U "${POSTGRES_USER:-postgres}" -d authservice --no-psqlrc <<'SQL'
CREATE ROLE authservice LOGIN PASSWORD :'password';
ALTER DATABASE authservice OWNER TO authservice;
SQL
