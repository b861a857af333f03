-- Tries older than what is kept, some at a time.
-- $1 retention interval
-- $2 limit integer
DELETE /* Webhooks/PurgeDeliveries.delete_old */ FROM webhook_deliveries
WHERE  id IN (SELECT d.id FROM webhook_deliveries d WHERE d.at < now() - $1::interval ORDER BY d.at LIMIT $2);
