-- Whether what a key has signed may be believed.
-- $1 kid text
-- -> is_trusted boolean   (1 row)
SELECT /* Tokens/VerifiedTokens.is_trusted */ EXISTS (SELECT FROM signing_keys k WHERE k.kid = $1 AND k.distrusted_at IS NULL);
