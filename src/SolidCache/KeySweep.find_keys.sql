-- Keys that begin with a text, in slices by key. Looks at every entry: there is no index on keys.
-- $1 prefix text
-- $2 after text
-- $3 limit integer
-- -> key text   (at most $3 rows, ascending)
SELECT /* SolidCache/KeySweep.find_keys */ key
FROM   solid_cache.solid_cache_entries
WHERE  starts_with(key, $1) AND key > $2
ORDER  BY key
LIMIT  $3;
