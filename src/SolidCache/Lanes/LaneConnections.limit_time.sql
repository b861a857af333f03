-- For as long as the connection lives: a statement on a lane holds up everybody behind it.
-- $1 milliseconds text
-- -> set_config text   (1 row)
SELECT /* SolidCache/Lanes/LaneConnections.limit_time */ set_config('statement_timeout', $1, false);
