-- For those who want entries to outlive a crash.
ALTER TABLE solid_cache.solid_cache_entries SET LOGGED;
