-- Lets a published key sign from now on, whatever date it had: there is none that does.
-- $1 kid text
UPDATE /* Tokens/EnsureSigningKeys.activate_key */ signing_keys SET active_from = statement_timestamp() WHERE kid = $1;
