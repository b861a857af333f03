-- The keys a node must hold: to sign, to verify, to publish. Ordered so that, should there ever be more than a node reads,
-- the oldest of the replaced ones are left out.
-- $1 verify_window interval
-- -> kid text, private_key_encrypted bytea, state text, active_from timestamptz   (2 or more rows, once keys were made)
SELECT /* Tokens/LoadSigningKeys.read_keys */
       kid, private_key_encrypted, state, active_from
FROM   signing_key_states($1)
WHERE  state IN ('active', 'next', 'retiring')
ORDER  BY state, active_from DESC NULLS LAST, published_at, kid
LIMIT  100;
