-- A try, and what it means for the webhook: one that failed begins a time of failing, one that succeeded ends it, and 410 or too long a time of failing switches it off.
-- $1 id bigint
-- $2 message_id uuid
-- $3 type text
-- $4 try integer
-- $5 status integer
-- $6 duration_ms bigint
-- $7 error text
-- $8 failing_for interval
-- $9 change_id bigint
-- -> switched_off text   (1 row where that has changed; null: it is not switched off)
WITH noted AS (
    INSERT INTO webhook_deliveries (webhook_id, message_id, type, change_id, try, status, duration_ms, error)
    SELECT w.id, $2, $3, $9, $4, $5, $6, $7 FROM webhooks w WHERE w.id = $1
), outcome AS (
    SELECT coalesce($5 BETWEEN 200 AND 299, false) AS succeeded
)
UPDATE /* Webhooks/DeliverWebhook.note_try */ webhooks w
SET    failing_since = CASE WHEN o.succeeded THEN NULL ELSE coalesce(w.failing_since, now()) END,
       is_active     = o.succeeded OR NOT ($5 IS NOT DISTINCT FROM 410 OR coalesce(w.failing_since < now() - $8::interval, false)),
       switched_off  = CASE WHEN $5 = 410 THEN 'gone' WHEN NOT o.succeeded AND w.failing_since < now() - $8::interval THEN 'failing' END
FROM   outcome o
WHERE  w.id = $1 AND w.is_active
AND    CASE WHEN o.succeeded THEN w.failing_since IS NOT NULL ELSE w.failing_since IS NULL OR $5 IS NOT DISTINCT FROM 410 OR w.failing_since < now() - $8::interval END
RETURNING w.switched_off;
