-- The first call is the one that counts; a repeated one changes nothing and succeeds.
-- $1 kid text
UPDATE /* Tokens/DistrustSigningKey.distrust_key */ signing_keys
SET    distrusted_at = coalesce(distrusted_at, statement_timestamp())
WHERE  kid = $1;
