-- Keys that sign access tokens. A key's state is a function of these times and the database's clock, so all nodes agree
-- on it and none has to be told: next → active → retiring → retired.
CREATE TABLE signing_keys (
    kid                   text        PRIMARY KEY,   -- RFC 7638 thumbprint
    alg                   text        NOT NULL,
    public_jwk            jsonb       NOT NULL,      -- RFC 7517, public members only; for people, no node reads it
    private_key_encrypted bytea       NOT NULL,      -- AES-256-GCM under a key derived from the master key; kid is bound in
    published_at          timestamptz NOT NULL DEFAULT now(),
    active_from           timestamptz,               -- null: next in line
    distrusted_at         timestamptz
);

-- $1: how long after its successor took over a key must still verify: longest token lifetime plus leeway.
-- statement_timestamp(): a transaction that waited for another one to change the keys must see them as of after that.
CREATE FUNCTION signing_key_states(verify_window interval)
RETURNS TABLE (kid text, alg text, public_jwk text, private_key_encrypted bytea, state text,
               published_at timestamptz, active_from timestamptz, distrusted_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT k.kid, k.alg, k.public_jwk::text, k.private_key_encrypted,
           CASE WHEN k.distrusted_at IS NOT NULL                                      THEN 'distrusted'
                WHEN k.active_from IS NULL OR k.active_from > statement_timestamp()   THEN 'next'
                WHEN succ.active_from IS NULL                                         THEN 'active'
                WHEN succ.active_from + verify_window > statement_timestamp()         THEN 'retiring'
                ELSE                                                                       'retired' END,
           k.published_at, k.active_from, k.distrusted_at
    FROM   signing_keys k
    -- The first key that took over from k, also if it was distrusted later: k must not come back to life then. One that was
    -- distrusted before its time came never took over.
    LEFT   JOIN LATERAL (SELECT min(s.active_from) AS active_from FROM signing_keys s
                         WHERE  (s.active_from, s.kid) > (k.active_from, k.kid) AND s.active_from <= statement_timestamp()
                         AND    (s.distrusted_at IS NULL OR s.distrusted_at > s.active_from)) succ ON true
$$;
