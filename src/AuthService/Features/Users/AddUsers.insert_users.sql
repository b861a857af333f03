-- New accounts with their first roles, as arrays of equal length; the answer says of each what became of it. Of two rows that want one name the first has it.
-- Where neither name was taken when the statement began but one is now, id is null and both flags are false: try again.
-- $1 emails text[]
-- $2 usernames text[]
-- $3 display_names text[]
-- $4 phones text[]
-- $5 avatar_urls text[]
-- $6 password_hashes text[]
-- $7 are_active boolean[]
-- $8 are_verified boolean[]
-- $9 created_at timestamptz[]
-- $10 role_names text[]
-- $11 granted_by bigint
-- -> n bigint, id bigint, email_taken boolean, username_taken boolean   (1 row for each given)
WITH given AS MATERIALIZED (
    SELECT g.*, row_number() OVER (PARTITION BY lower(g.email) ORDER BY g.n) = 1 AS is_first_email,
           row_number() OVER (PARTITION BY lower(g.username) ORDER BY g.n) = 1 AS is_first_username
    FROM   unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::boolean[], $9::timestamptz[], $10::text[])
           WITH ORDINALITY AS g (email, username, display_name, phone, avatar_url, password_hash, is_active, email_verified, created_at, role_names, n)
), added AS (
    INSERT /* Users/AddUsers.insert_users */
    INTO   users (email, username, display_name, phone, avatar_url, password_hash, is_active, email_verified, created_at)
    SELECT g.email, g.username, g.display_name, g.phone, g.avatar_url, g.password_hash, g.is_active, g.email_verified, coalesce(g.created_at, now())
    FROM   given g
    WHERE  g.is_first_email AND g.is_first_username
    ORDER  BY lower(g.email)   -- one order for all: of two that want the same names in another one, one would be told of a deadlock
    ON     CONFLICT DO NOTHING
    RETURNING id, email
), granted AS (
    INSERT INTO user_roles (user_id, role_id, granted_by)
    SELECT a.id, r.id, $11
    FROM   added a JOIN given g ON g.email = a.email AND g.is_first_email
    CROSS  JOIN LATERAL regexp_split_to_table(g.role_names, ',') AS wanted (name)
    JOIN   roles r ON r.name = wanted.name
)
SELECT g.n, a.id,
       NOT g.is_first_email    OR EXISTS (SELECT FROM users u WHERE lower(u.email)    = lower(g.email)    AND u.deleted_at IS NULL) AS email_taken,
       NOT g.is_first_username OR EXISTS (SELECT FROM users u WHERE lower(u.username) = lower(g.username) AND u.deleted_at IS NULL) AS username_taken
FROM   given g LEFT JOIN added a ON a.email = g.email AND g.is_first_email AND g.is_first_username
ORDER  BY g.n;
