-- Seals whose events were let go, some at a time.
-- $1 limit integer
DELETE /* Audit/ForgetEvents.delete_seals */ FROM audit_seals d
WHERE  d.number IN (SELECT s.number FROM audit_seals s WHERE s.number <= (SELECT c.first_number FROM audit_chain c) ORDER BY s.number LIMIT $1);
