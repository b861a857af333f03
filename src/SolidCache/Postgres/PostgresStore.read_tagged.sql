-- Live entries of many callers, and the present versions of the tags they go by, in one snapshot: an entry whose stamps equal the
-- versions is current, and on a miss the versions are the stamps of the load that follows.
-- $1 key_hashes bigint[]
-- $2 tag_hashes bigint[]
-- -> hash bigint, key text, value bytea, byte_size integer, touched smallint, seconds_left double precision, created_at timestamptz, tag_hashes bigint[], tag_stamps bigint[], version bigint   (entries have a key, tags a version)
SELECT /* SolidCache/Postgres/PostgresStore.read_tagged */
       e.key_hash AS hash, e.key, CASE WHEN e.byte_size <= 65536 THEN e.value END AS value, e.byte_size, e.touched,
       extract(epoch FROM e.expires_at - now())::double precision AS seconds_left, e.created_at, e.tag_hashes, e.tag_stamps, NULL::bigint AS version
FROM   solid_cache.solid_cache_entries e
WHERE  e.key_hash = ANY ($1) AND e.expires_at > now()
UNION ALL
SELECT t.tag_hash, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, t.version
FROM   solid_cache.solid_cache_tag_versions t
WHERE  t.tag_hash = ANY ($2);
