-- By which snapshots log rows were deleted. A node that begins later learns from it how far back the log goes: an entry in a tier that outlives
-- nodes is judged by the log alone, and not by any clock.
INSERT INTO solid_cache.solid_cache_schema (version) VALUES (3);

ALTER TABLE solid_cache.solid_cache_snapshots ADD COLUMN has_pruned boolean NOT NULL DEFAULT false;
