-- Also the keys that are out of use: an operator wants to see that a distrusted one is.
-- $1 verify_window interval
-- -> kid text, alg text, state text, published_at timestamptz, active_from timestamptz, distrusted_at timestamptz   (0 to 200 rows)
SELECT /* Tokens/ListSigningKeys.list_keys */
       kid, alg, state, published_at, active_from, distrusted_at
FROM   signing_key_states($1)
ORDER  BY published_at DESC, kid
LIMIT  200;
