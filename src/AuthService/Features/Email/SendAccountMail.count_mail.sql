-- One more mail of a kind to an account, unless it was sent as many as it may be in the hour that began with the first of them.
-- $1 user_id bigint
-- $2 mail text
-- $3 most integer
-- -> count integer   (0 or 1 row)
INSERT /* Email/SendAccountMail.count_mail */ INTO email_counts AS c (user_id, mail) VALUES ($1, $2)
ON CONFLICT (user_id, mail) DO UPDATE
SET    count    = CASE WHEN c.began_at > now() - interval '1 hour' THEN c.count + 1  ELSE 1     END,
       began_at = CASE WHEN c.began_at > now() - interval '1 hour' THEN c.began_at   ELSE now() END
WHERE  c.count < $3 OR c.began_at <= now() - interval '1 hour'
RETURNING count;
