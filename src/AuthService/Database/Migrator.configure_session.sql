-- No statement_timeout for this session: migrations take what they take. lock_timeout bounds the wait for the other nodes and
-- for tables in use. reset_session undoes both.
-- $1 lock_timeout_ms text
-- -> lock_timeout text, statement_timeout text   (1 row)
SELECT /* Database/Migrator.configure_session */
       set_config('lock_timeout', $1, false), set_config('statement_timeout', '0', false);
