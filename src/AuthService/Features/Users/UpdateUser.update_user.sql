-- A null leaves a column as it is; an empty text clears one that may be empty. A new address is unverified again.
-- $1 id bigint
-- $2 version bigint
-- $3 email text
-- $4 username text
-- $5 display_name text
-- $6 phone text
-- $7 avatar_url text
-- -> version bigint   (0 or 1 row)
UPDATE /* Users/UpdateUser.update_user */ users
SET    email          = coalesce($3, email),
       email_verified = email_verified AND ($3::text IS NULL OR lower($3) = lower(email)),
       username       = coalesce($4, username),
       display_name   = CASE WHEN $5::text IS NULL THEN display_name ELSE nullif($5, '') END,
       phone          = CASE WHEN $6::text IS NULL THEN phone        ELSE nullif($6, '') END,
       avatar_url     = CASE WHEN $7::text IS NULL THEN avatar_url   ELSE nullif($7, '') END,
       version        = version + 1,
       updated_at     = now()
WHERE  id = $1 AND deleted_at IS NULL AND ($2::bigint IS NULL OR version = $2)
RETURNING version;
