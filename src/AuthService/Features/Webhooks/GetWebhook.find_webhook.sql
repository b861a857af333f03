-- One webhook, without its secret.
-- $1 id bigint
-- -> id bigint, url text, events text[], description text, is_active boolean, switched_off text, failing_since timestamptz, created_at timestamptz,
--    updated_at timestamptz, version bigint   (0 or 1 row)
SELECT /* Webhooks/GetWebhook.find_webhook */
       id, url, events, description, is_active, switched_off, failing_since, created_at, updated_at, version
FROM   webhooks
WHERE  id = $1;
