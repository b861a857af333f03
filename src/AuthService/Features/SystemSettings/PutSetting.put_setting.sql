-- $1 key text
-- $2 value text
-- -> updated_at timestamptz   (1 row)
INSERT /* SystemSettings/PutSetting.put_setting */
INTO   system_settings AS s (key, value) VALUES ($1, $2::text::json)
ON     CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()
RETURNING s.updated_at;
