-- As an operator or a scheduler would do it.
-- -> deleted bigint   (1 row)
SELECT /* Verification/VerifyCache.clean_up */ solid_cache.cleanup_expired_cache() AS deleted;
