-- All webhooks, without their secrets.
-- $1 most integer
-- -> id bigint, url text, events text[], description text, is_active boolean, switched_off text, failing_since timestamptz, created_at timestamptz,
--    updated_at timestamptz, version bigint
SELECT /* Webhooks/ListWebhooks.list_webhooks */
       id, url, events, description, is_active, switched_off, failing_since, created_at, updated_at, version
FROM   webhooks
ORDER  BY id LIMIT $1;
