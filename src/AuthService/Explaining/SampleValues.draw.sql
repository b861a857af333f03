-- What statements are explained with, by the names of their parameters: of what the database holds where it matters, made up elsewhere. A name may be written
-- Type.statement.name, Type.name or Folder.name where it means something else there; the most exact one counts. Null is a value too.
-- -> name text, value text
WITH live AS MATERIALIZED (
    SELECT s.id, s.user_id, s.cur_hash
    FROM   sessions s
    WHERE  s.revoked_at IS NULL AND now() < s.idle_expires_at AND now() < s.absolute_expires_at
    ORDER  BY s.id DESC
    LIMIT  16
), somebody AS MATERIALIZED (
    -- From the middle, and signed in where anybody is.
    SELECT u.*
    FROM   users u
    WHERE  u.deleted_at IS NULL AND u.is_active
    AND    u.id >= coalesce((SELECT min(l.user_id) FROM live l), (SELECT (min(m.id) + max(m.id)) / 2 FROM users m))
    ORDER  BY u.id
    LIMIT  16
), account AS MATERIALIZED (
    SELECT coalesce(a.id, 1) AS id, coalesce(a.email, 'nobody@example.com') AS email, coalesce(a.username, 'nobody') AS username, coalesce(a.version, 1) AS version,
           coalesce(a.created_at, now()) AS created_at
    FROM   (SELECT 1) one LEFT JOIN (SELECT s.* FROM somebody s ORDER BY s.id LIMIT 1) a ON true
), other_role AS MATERIALIZED (
    SELECT coalesce((SELECT r.id FROM roles r WHERE NOT r.is_system ORDER BY r.id LIMIT 1), (SELECT min(r.id) FROM roles r)) AS id
), other_permission AS MATERIALIZED (
    SELECT coalesce((SELECT p.id FROM permissions p WHERE NOT p.is_system ORDER BY p.id LIMIT 1), (SELECT min(p.id) FROM permissions p)) AS id
), entries AS MATERIALIZED (
    SELECT e.key_hash, e.key, e.created_at FROM solid_cache.solid_cache_entries e LIMIT 16
)
SELECT /* Explaining/SampleValues.draw */ v.name, v.value
FROM   account a, other_role r, other_permission p, LATERAL (VALUES
    -- Accounts.
    ('user_id', a.id::text), ('actor_id', a.id::text), ('granted_by', a.id::text), ('Users.id', a.id::text), ('after_id', a.id::text), 
    ('user_ids', (SELECT coalesce(array_agg(s.id), '{1}') FROM somebody s)::text),
    ('email', a.email), ('AddUser.email', 'explained@example.com'), ('UpdateUser.email', NULL),
    ('username', 'explained'), ('UpdateUser.username', NULL),
    ('display_name', 'Explained'), ('phone', '+49 30 1234'), ('avatar_url', 'https://example.org/a.png'),
    ('email_verified', 'true'), ('is_active', 'true'), ('ExportUsers.is_active', NULL),
    ('password_hash', '$argon2id$'), ('new_password_hash', NULL), ('forgets_devices', 'false'), ('role_names', '{user}'),
    ('temporary_password_lifetime', '3 days'), ('lifetime', '3 days'),
    ('version', a.version::text), ('Roles.version', NULL), ('Permissions.version', NULL), ('SetUserStatus.version', NULL), ('UpdateUser.version', NULL),
    -- Lists. Which place belongs to an order, and which text to a search, says the order.
    ('limit', '51'), ('ExportUsers.limit', '1000'), ('PurgeExpiredSessions.limit', '1000'), ('offset', '0'), ('with_total', 'true'), ('exact', 'false'), ('search', NULL),
    ('place_key', a.id::text), ('place_key_id', a.id::text), ('place_key_email', lower(a.email)), ('place_key_username', lower(a.username)),
    ('place_key_created_at', a.created_at::text), ('place_key_last_login_at', '-infinity'),
    ('place_tie', a.id::text), ('ListRoles.place_key', 'm'), ('ListPermissions.place_key', 'm'), ('ListPermissions.place_tie', 'm'), ('rows_for_total', '10001'),
    ('ListSessions.place_key', now()::text), ('ListSessions.place_tie', gen_random_uuid()::text),
    ('search_part', '%' || lower(left(split_part(a.email, '@', 1), 5)) || '%'), ('search_beginning', lower(left(a.username, 2))),
    -- Many accounts at once.
    ('emails', '{explained1@example.com,explained2@example.com}'), ('usernames', '{explained1,explained2}'), ('display_names', '{One,NULL}'), ('phones', '{NULL,NULL}'),
    ('avatar_urls', '{NULL,NULL}'), ('password_hashes', '{none,none}'), ('are_active', '{true,true}'), ('are_verified', '{false,true}'), ('AddUsers.created_at', '{NULL,NULL}'),
    ('AddUsers.role_names', '{user,user}'), ('UpdateUsers.ids', ARRAY[a.id, 0]::text), ('UpdateUsers.emails', '{NULL,NULL}'), ('UpdateUsers.usernames', '{NULL,NULL}'),
    ('file_hash', sha256('explained')::text), ('again', 'false'), ('from_record', '0'), ('to_record', '1000'), ('stored', '999'), ('refused', '1'),
    -- Changes: what has come since the oldest that is kept.
    ('since', coalesce((SELECT min(c.xid) FROM authz_changes c)::text, '3') || ':' || coalesce((SELECT min(c.xid) FROM authz_changes c)::text, '3') || ':'), ('until', pg_current_snapshot()::text), ('retention', '7 days'),
    -- Roles and permissions.
    ('role_id', r.id::text), ('Roles.id', r.id::text), ('name', 'explained'), ('UpdateRole.name', NULL), ('description', 'Explained.'),
    ('permission_id', p.id::text), ('Permissions.id', p.id::text), ('resource', 'explained'), ('action', 'read'), ('UpdatePermission.resource', NULL), ('UpdatePermission.action', NULL),
    ('actor_type', '{user,user,system}'),
    -- Sessions.
    ('Sessions.id', coalesce((SELECT l.id FROM live l ORDER BY l.user_id LIMIT 1), gen_random_uuid())::text), ('StartSession.id', gen_random_uuid()::text),
    ('ids', coalesce((SELECT array_agg(l.id ORDER BY l.id) FROM live l), ARRAY[gen_random_uuid()])::text),
    ('presented_hash', coalesce((SELECT l.cur_hash FROM live l ORDER BY l.user_id LIMIT 1), sha256(''))::text),
    ('presented_hashes', coalesce((SELECT array_agg(l.cur_hash ORDER BY l.id) FROM live l), ARRAY[sha256('')])::text),
    ('next_hashes', coalesce((SELECT array_agg(sha256(l.cur_hash) ORDER BY l.id) FROM live l), ARRAY[sha256('')])::text),
    ('cur_hash', sha256('explained')::text), ('token_hash', sha256('explained')::text), ('except_id', NULL), ('reason', 'explained'), ('keep', '9'), ('amr', '{pwd}'),
    ('idle_timeout', '14 days'), ('absolute_timeout', '90 days'), ('grace', '10 seconds'), ('ip', '192.0.2.1'), ('user_agent', 'explained'), ('sessions', '1000'),
    ('device_may_be_new', 'true'), ('job_id', gen_random_uuid()::text), ('job_kind', 'account_mail'), ('job_arguments', '{}'), ('last_try', '10'),
    -- Mail.
    ('purpose', 'reset_password'), ('mail', 'reset_password'), ('most', '5'), ('link_lifetime', '30 minutes'), ('SendAccountMail.find_account.user_id', NULL),
    ('SendAccountMail.make_token.keep', '2'),
    -- Audit trail: three events.
    ('AuditTrail.id', ARRAY[gen_random_uuid(), gen_random_uuid(), gen_random_uuid()]::text), ('waited', '{0,0,0}'), ('type', '{explained,explained,explained}'),
    ('AuditTrail.actor_id', ARRAY[a.id, a.id, NULL]::text), ('session_id', '{NULL,NULL,NULL}'), ('target_type', '{user,user,user}'), ('target_id', ARRAY[a.id, a.id, a.id]::text),
    ('outcome', '{success,success,success}'), ('AuditTrail.reason', '{NULL,NULL,NULL}'), ('diff', '{NULL,NULL,NULL}'), ('AuditTrail.ip', '{192.0.2.1,192.0.2.1,NULL}'),
    ('AuditTrail.user_agent', '{NULL,NULL,NULL}'), ('request_id', '{NULL,NULL,NULL}'), ('trace_id', '{NULL,NULL,NULL}'),
    -- Jobs. What Quartz has of them is its own to plan.
    ('Jobs.id', gen_random_uuid()::text), ('JobAdministration.id', gen_random_uuid()::text), ('kind', 'explained'), ('ChangeJobs.kind', NULL), ('ListJobs.kind', NULL), ('arguments', '{}'), ('unique_key', NULL),
    ('at', NULL), ('JobQueue.after', '0'), ('max_tries', '10'), ('try', '1'), ('node', 'explained'), ('result', 'explained'), ('error', 'explained'), ('wait', '5 seconds'), ('succeeded', 'true'),
    ('progress', 'explained'), ('keep_succeeded', '1 day'), ('keep_dead', '90 days'), ('scheduled_before', '30 seconds'), ('ListJobs.place_key', gen_random_uuid()::text), ('ListJobs.place_tie', ''),
    -- Webhooks.
    ('Webhooks.id', '1'), ('Webhooks.version', NULL), ('url', 'https://hooks.example.org/'), ('events', '{*}'), ('secret_sealed', '\x00'), ('overlap', '1 day'), ('message_id', gen_random_uuid()::text),
    ('Webhooks.type', 'role.granted'), ('status', '200'), ('duration_ms', '12'), ('failing_for', '5 days'), ('change_id', '1'), ('DispatchChanges.limit', '1000'), ('ListDeliveries.place_key', '1'), ('ListDeliveries.place_tie', ''),
    -- Its list and its seals.
    ('ListAuditEvents.place_key', now()::text), ('ListAuditEvents.place_tie', gen_random_uuid()::text), ('from_time', '-infinity'), ('to_time', 'infinity'), ('ListAuditEvents.outcome', NULL),
    ('ListAuditEvents.target_type', 'user'), ('ListAuditEvents.target_id', a.id::text), ('ListAuditEvents.type', 'authz_change'), ('ListAuditEvents.request_id', 'explained'),
    ('place_xid', '3'), ('place_id', gen_random_uuid()::text), ('end_xid', '3'), ('end_id', gen_random_uuid()::text), ('from_elsewhere', 'false'), ('is_of_this_system', 'true'),
    ('number', '0'), ('hash', '\x'), ('event_ids', ARRAY[gen_random_uuid()]::text), ('event_times', ARRAY[now()]::text), ('sealed_at', now()::text), ('digests', '{"\\x00"}'),
    ('hashes', '{"\\x00"}'), ('next_hash', '\x00'), ('mac', '\x00'), ('VerifyTrail.after', '0'), ('upto', '2000'), ('ForgetEvents.after', '0'), ('before', '-infinity'),
    ('first_number', '0'), ('first_hash', '\x'), ('kept_since', '-infinity'),
    -- Signing keys and settings.
    ('kid', coalesce((SELECT k.kid FROM signing_keys k ORDER BY k.published_at DESC LIMIT 1), 'explained')), ('EnsureSigningKeys.insert_key.kid', 'explained'), ('alg', 'ES256'), ('public_jwk', '{}'),
    ('private_key_encrypted', '\x00'), ('signs_now', 'false'), ('verify_window', '1 hour'), ('published_for', '1 hour'), ('rotation_interval', '30 days'),
    ('key', coalesce((SELECT s.key FROM system_settings s LIMIT 1), 'explained')), ('value', '{}'),
    -- Of the migrator, the seeding and the verification.
    ('lock_timeout_ms', '2000'), ('Migrator.version', '9999'), ('checksum', '\x00'), ('SchemaInstaller.key', '1'), ('ExplainStatement.name', 'explained.name'),
    ('min_bytes', '10485760'), ('min_percent', '50'),
    ('count', '50'), ('few', '1000'), ('roles', '50'), ('permissions', '100'), ('names', '{explained}'), ('VerifyServerSettings.names', '{fsync}'), ('wanted', '{on}'), ('tag', 'explained'),
    -- The cache's.
    ('key_hash', coalesce((SELECT e.key_hash FROM entries e ORDER BY e.key_hash LIMIT 1), 1)::text),
    ('created_at', coalesce((SELECT e.created_at FROM entries e ORDER BY e.key_hash LIMIT 1), now())::text),
    ('key_hashes', coalesce((SELECT array_agg(e.key_hash ORDER BY e.key_hash) FROM entries e), '{1}')::text),
    ('keys', coalesce((SELECT array_agg(e.key ORDER BY e.key_hash) FROM entries e), '{explained}')::text),
    ('PostgresStore.slide.created_at', coalesce((SELECT array_agg(e.created_at ORDER BY e.key_hash) FROM entries e), ARRAY[now()])::text),
    ('PostgresStore.write.key_hashes', '{1,2}'), ('PostgresStore.write.keys', '{explained 1,explained 2}'), ('values', '{"\\x00","\\x00"}'), ('lifetimes', '{60,60}'),
    ('expirations', '{NULL,NULL}'), ('sliding_seconds', '{NULL,NULL}'), ('epochs', '{NULL,NULL}'), ('tag_ends', '{0,0}'), ('PostgresStore.write.tag_hashes', '{}'), ('tag_stamps', '{}'),
    ('longest_life', '2592000'), ('longest_life_seconds', '2592000'), ('retention_seconds', '3600'), ('interval_seconds', '60'),
    ('tags', (SELECT coalesce(array_agg(solid_cache.solid_cache_tag('user:' || s.id)), '{1}') FROM somebody s)::text),
    ('tag_hashes', (SELECT coalesce(array_agg(solid_cache.solid_cache_tag('user:' || s.id)), '{1}') FROM somebody s)::text),
    ('prefix', 'permissions:'), ('after', ''), ('channel', 'explained'), ('sample_percent', '1'), ('max_rows', '1000'), ('max_pages', '1000'), ('bytes', '1000000'),
    ('node_id', coalesce((SELECT n.node_id FROM solid_cache.solid_cache_nodes n LIMIT 1), gen_random_uuid())::text), ('InvalidationPoll.register.node_id', gen_random_uuid()::text),
    ('epoch', coalesce((SELECT i.epoch FROM solid_cache.solid_cache_incarnation i), gen_random_uuid())::text), ('lease', '2 seconds'),
    ('snapshot', pg_current_snapshot()::text), ('applied_snapshot', pg_current_snapshot()::text), ('database_time', now()::text), ('synchronous_commit', 'on'),
    ('owner', gen_random_uuid()::text), ('owners', ARRAY[gen_random_uuid()]::text), ('seconds', '10'),
    ('lock_timeout', '2000'), ('statement_timeout', '30000'), ('milliseconds', '30000')
    ) v (name, value);
