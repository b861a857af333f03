-- Where a message goes, and what signs it.
-- $1 id bigint
-- -> url text, secret_sealed bytea, previous_sealed bytea   (0 or 1 row)
SELECT /* Webhooks/DeliverWebhook.find_target */ url, secret_sealed, CASE WHEN now() < previous_until THEN previous_sealed END AS previous_sealed
FROM   webhooks
WHERE  id = $1 AND is_active;
