-- One change of the signing keys at a time in the whole installation. The statements after it look at statement_timestamp(),
-- not now(): their transaction may have begun before the one it had to wait for.
-- -> pg_advisory_xact_lock void   (1 row)
SELECT /* Tokens/EnsureSigningKeys.lock_keys */ pg_advisory_xact_lock(hashtext('signing_keys'));
