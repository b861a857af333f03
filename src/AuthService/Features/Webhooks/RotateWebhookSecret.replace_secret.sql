-- Another secret; the one before signs as well for a while.
-- $1 id bigint
-- $2 secret_sealed bytea
-- $3 overlap interval
-- -> previous_until timestamptz   (0 or 1 row)
UPDATE /* Webhooks/RotateWebhookSecret.replace_secret */ webhooks
SET    previous_sealed = secret_sealed, previous_until = now() + $3::interval, secret_sealed = $2, version = version + 1, updated_at = now()
WHERE  id = $1
RETURNING previous_until;
