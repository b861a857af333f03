-- Where a feed begins that nobody has read yet.
-- -> snapshot text, epoch uuid   (1 row)
SELECT /* Events/ChangeFeed.begin */
       pg_current_snapshot()::text AS snapshot,
       (SELECT i.epoch FROM solid_cache.solid_cache_incarnation i
        WHERE  i.system_identifier = s.system_identifier AND i.timeline = solid_cache.solid_cache_timeline()) AS epoch
FROM   pg_control_system() s;
