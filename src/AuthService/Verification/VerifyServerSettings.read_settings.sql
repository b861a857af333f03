-- What a session of the service has of each setting, and what is wanted, as numbers where they are numbers: bytes, or seconds, or as they are. The server knows its units.
-- $1 names text[]
-- $2 wanted text[]
-- -> name text, shown text, seen numeric, wanted numeric   (1 row each, in the order of the names; shown is null where this account may not see it)
SELECT /* Verification/VerifyServerSettings.read_settings */
       w.name,
       current_setting(s.name) AS shown,
       CASE WHEN s.vartype NOT IN ('integer', 'real') THEN NULL
            WHEN s.unit = 'B' THEN s.setting::numeric
            WHEN s.unit IN ('kB', 'MB') THEN s.setting::numeric * pg_size_bytes('1' || s.unit)
            WHEN s.unit ~ '^[0-9]' THEN s.setting::numeric * pg_size_bytes(s.unit)
            WHEN s.unit IS NOT NULL THEN s.setting::numeric * extract(epoch FROM ('1' || s.unit)::interval)
            ELSE s.setting::numeric END AS seen,
       CASE WHEN s.vartype NOT IN ('integer', 'real') THEN NULL
            WHEN s.unit ~ '.B$' THEN pg_size_bytes(w.wanted)
            WHEN s.unit = 'B' THEN w.wanted::numeric
            WHEN s.unit IS NOT NULL THEN extract(epoch FROM w.wanted::interval)
            ELSE w.wanted::numeric END AS wanted
FROM   unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(name, wanted, place)
LEFT JOIN pg_settings s ON s.name = w.name
ORDER BY w.place;
