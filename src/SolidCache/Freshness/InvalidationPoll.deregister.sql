-- This node has stopped answering.
-- $1 node_id uuid
DELETE /* SolidCache/Freshness/InvalidationPoll.deregister */ FROM solid_cache.solid_cache_nodes WHERE node_id = $1;
