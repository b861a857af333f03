-- Changes what accounts say of themselves, as arrays of equal length, by the rules of UpdateUser.update_user; the answer says of each what stands against it. Of two
-- rows that want one name the first has it, and of two rows for one account only the first counts.
-- $1 ids bigint[]
-- $2 emails text[]
-- $3 usernames text[]
-- $4 display_names text[]
-- $5 phones text[]
-- $6 avatar_urls text[]
-- -> n bigint, is_missing boolean, is_repeated boolean, email_taken boolean, username_taken boolean   (1 row for each given)
WITH given AS (
    SELECT g.*, row_number() OVER (PARTITION BY g.id ORDER BY g.n) > 1 AS is_repeated,
           g.email IS NOT NULL AND (row_number() OVER (PARTITION BY lower(g.email) ORDER BY g.n) > 1
               OR EXISTS (SELECT FROM users u WHERE lower(u.email) = lower(g.email) AND u.deleted_at IS NULL AND u.id <> g.id)) AS email_taken,
           g.username IS NOT NULL AND (row_number() OVER (PARTITION BY lower(g.username) ORDER BY g.n) > 1
               OR EXISTS (SELECT FROM users u WHERE lower(u.username) = lower(g.username) AND u.deleted_at IS NULL AND u.id <> g.id)) AS username_taken
    FROM   unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
           WITH ORDINALITY AS g (id, email, username, display_name, phone, avatar_url, n)
), updated AS (
    UPDATE /* Users/UpdateUsers.update_users */ users u
    SET    email          = coalesce(g.email, u.email),
           email_verified = u.email_verified AND (g.email IS NULL OR lower(g.email) = lower(u.email)),
           username       = coalesce(g.username, u.username),
           display_name   = CASE WHEN g.display_name IS NULL THEN u.display_name ELSE nullif(g.display_name, '') END,
           phone          = CASE WHEN g.phone        IS NULL THEN u.phone        ELSE nullif(g.phone, '')        END,
           avatar_url     = CASE WHEN g.avatar_url   IS NULL THEN u.avatar_url   ELSE nullif(g.avatar_url, '')   END,
           version        = u.version + 1,
           updated_at     = now()
    FROM   given g
    WHERE  u.id = g.id AND u.deleted_at IS NULL AND NOT g.is_repeated AND NOT g.email_taken AND NOT g.username_taken
    RETURNING u.id
)
SELECT g.n, d.id IS NULL AS is_missing, g.is_repeated, g.email_taken, g.username_taken
FROM   given g LEFT JOIN updated d ON d.id = g.id
ORDER  BY g.n;
