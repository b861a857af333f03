-- These compare the rows of an UPDATE before and after. A connection keeps the plan of the first statements it ran, which are log-ins: one row, so a nested loop; the next
-- change of many accounts on it then compared each row with each. Any other join is as good for one row, and takes time in proportion for many.
ALTER FUNCTION users_changed()          SET enable_nestloop = off;
ALTER FUNCTION authz_changes_of_users() SET enable_nestloop = off;
