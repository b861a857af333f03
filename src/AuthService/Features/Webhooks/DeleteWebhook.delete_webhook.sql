-- With the webhook goes the log of its deliveries.
-- $1 id bigint
-- $2 version bigint
DELETE /* Webhooks/DeleteWebhook.delete_webhook */ FROM webhooks WHERE id = $1 AND ($2::bigint IS NULL OR version = $2);
