-- A setting of this transaction: how it plans, how long it waits, or a value that is explained with.
-- $1 name text
-- $2 value text
-- -> set_config text   (1 row)
SELECT /* Explaining/ExplainStatement.put */ set_config($1, $2, true);
