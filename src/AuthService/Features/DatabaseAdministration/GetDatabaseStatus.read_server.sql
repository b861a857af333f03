-- How many connections the server allows, and has.
-- -> max_connections integer, reserved_connections integer, connections bigint
SELECT /* DatabaseAdministration/GetDatabaseStatus.read_server */
       current_setting('max_connections')::integer AS max_connections,
       current_setting('superuser_reserved_connections')::integer AS reserved_connections,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend') AS connections;
