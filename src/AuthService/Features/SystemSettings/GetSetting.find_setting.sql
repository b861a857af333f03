-- One setting.
-- $1 key text
-- -> value text, updated_at timestamptz   (0 or 1 row)
SELECT /* SystemSettings/GetSetting.find_setting */ s.value::text AS value, s.updated_at
FROM   system_settings s
WHERE  s.key = $1;
