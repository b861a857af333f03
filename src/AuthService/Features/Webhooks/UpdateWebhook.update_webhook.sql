-- A null leaves a column as it is; an empty description clears it.
-- $1 id bigint
-- $2 version bigint
-- $3 url text
-- $4 events text[]
-- $5 description text
-- $6 is_active boolean
UPDATE /* Webhooks/UpdateWebhook.update_webhook */ webhooks
SET    url           = coalesce($3, url),
       events        = coalesce($4, events),
       description   = CASE WHEN $5::text IS NULL THEN description ELSE nullif($5, '') END,
       is_active     = coalesce($6, is_active),
       switched_off  = CASE WHEN $6::boolean IS NULL THEN switched_off END,
       failing_since = CASE WHEN $6::boolean IS NULL THEN failing_since END,
       version       = version + 1,
       updated_at    = now()
WHERE  id = $1 AND ($2::bigint IS NULL OR version = $2);
