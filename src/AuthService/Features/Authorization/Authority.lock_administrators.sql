-- Taken by every change that could remove an administrator, so that two of them can't each leave the other as the last.
-- NO KEY: granting the role to somebody (a foreign key's share lock) does not have to wait.
-- -> id bigint   (1 row)
SELECT /* Authorization/Authority.lock_administrators */ id
FROM   roles
WHERE  name = 'admin'
FOR    NO KEY UPDATE;
