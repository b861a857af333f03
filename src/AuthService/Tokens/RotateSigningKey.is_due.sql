-- Whether the key that signs has signed for long enough. No row and no key: not due, there is nothing to replace.
-- $1 verify_window interval
-- $2 rotation_interval interval
-- -> is_due boolean   (0 or 1 row)
SELECT /* Tokens/RotateSigningKey.is_due */
       active_from + $2 <= statement_timestamp() AS is_due
FROM   signing_key_states($1)
WHERE  state = 'active';
