-- Publishes a new key: next in line, or signing at once where there was none to take over.
-- $1 kid text
-- $2 alg text
-- $3 public_jwk text
-- $4 private_key_encrypted bytea
-- $5 signs_now boolean
INSERT /* Tokens/EnsureSigningKeys.insert_key */ INTO signing_keys (kid, alg, public_jwk, private_key_encrypted, published_at, active_from)
VALUES ($1, $2, $3::text::jsonb, $4, statement_timestamp(), CASE WHEN $5 THEN statement_timestamp() END);
