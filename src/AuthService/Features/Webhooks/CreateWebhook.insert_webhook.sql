-- A new webhook, unless there are as many as there may be: whoever makes one holds the row of webhook_position, so this counts all.
-- $1 id bigint
-- $2 url text
-- $3 events text[]
-- $4 description text
-- $5 secret_sealed bytea
-- $6 most integer
INSERT /* Webhooks/CreateWebhook.insert_webhook */
INTO   webhooks (id, url, events, description, secret_sealed)
SELECT $1, $2, $3, $4, $5
WHERE  (SELECT count(*) FROM webhooks) < $6::integer;
