-- One more token; every node prints its own.
-- $1 token_hash bytea
INSERT /* Bootstrap/CreateFirstAdministrator.add_token */ INTO bootstrap_tokens (token_hash) VALUES ($1);
