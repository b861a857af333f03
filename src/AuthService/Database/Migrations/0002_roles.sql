-- Roles, permissions, who holds what, and the one definition of "the rights of a user".
CREATE TABLE roles (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    description text                 CHECK (length(description) <= 500),
    is_system   boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    version     bigint      NOT NULL DEFAULT 1
);

CREATE TABLE permissions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resource    text        NOT NULL CHECK (length(resource) BETWEEN 1 AND 64 AND strpos(resource, ':') = 0),
    action      text        NOT NULL CHECK (length(action) BETWEEN 1 AND 64 AND strpos(action, ':') = 0),
    description text                 CHECK (length(description) <= 500),
    -- The service's own endpoints ask for these by name; they can't be renamed or deleted.
    is_system   boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    version     bigint      NOT NULL DEFAULT 1,
    UNIQUE (resource, action)
);

CREATE TABLE role_permissions (
    role_id       bigint NOT NULL REFERENCES roles       ON DELETE CASCADE,
    permission_id bigint NOT NULL REFERENCES permissions ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
);
CREATE INDEX role_permissions_permission_id ON role_permissions (permission_id);

CREATE TABLE user_roles (
    user_id    bigint      NOT NULL REFERENCES users ON DELETE CASCADE,
    role_id    bigint      NOT NULL REFERENCES roles ON DELETE CASCADE,
    granted_by bigint,     -- a user; null where the service itself granted. No foreign key: history outlives accounts
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX user_roles_role_id ON user_roles (role_id);

-- What a user may do, now. Every statement that answers with rights goes through this function, so there is one place that
-- says that an inactive or deleted account has none. Plain SQL and STABLE: the planner inlines it.
CREATE FUNCTION user_rights(for_user bigint) RETURNS TABLE (roles text[], permissions text[])
LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(r.name ORDER BY r.name), '{}'),
           coalesce((SELECT array_agg(DISTINCT p.resource || ':' || p.action ORDER BY p.resource || ':' || p.action)
                     FROM   role_permissions rp JOIN permissions p ON p.id = rp.permission_id
                     WHERE  rp.role_id = ANY (array_agg(r.id))), '{}')
    FROM   users u
    JOIN   user_roles ur ON ur.user_id = u.id
    JOIN   roles r       ON r.id = ur.role_id
    WHERE  u.id = for_user AND u.is_active AND u.deleted_at IS NULL
$$;

INSERT INTO roles (name, description, is_system) VALUES
    ('admin', 'Holds every permission.', true),
    ('user',  'Every account that registers itself.', true);

INSERT INTO permissions (resource, action, description, is_system) VALUES
    ('users',       'read',   'See accounts, their roles and permissions.',     true),
    ('users',       'write',  'Create, change, activate, deactivate accounts.', true),
    ('users',       'admin',  'Delete accounts.',                               true),
    ('roles',       'read',   'See roles.',                                     true),
    ('roles',       'write',  'Create, change, delete roles.',                  true),
    ('roles',       'assign', 'Grant roles to accounts and revoke them.',       true),
    ('permissions', 'read',   'See permissions.',                               true),
    ('permissions', 'write',  'Create, change, delete permissions.',            true),
    ('api_keys',    'read',   'See API keys.',                                  true),
    ('api_keys',    'write',  'Create, change, revoke API keys.',               true),
    ('sessions',    'read',   'See the sessions of others.',                    true),
    ('sessions',    'revoke', 'End the sessions of others.',                    true),
    ('audit',       'read',   'Read the audit trail.',                          true),
    ('settings',    'read',   'Read system settings.',                          true),
    ('settings',    'write',  'Change system settings.',                        true),
    ('system',      'admin',  'Operate the installation.',                      true);

INSERT INTO role_permissions (role_id, permission_id)
SELECT r.id, p.id FROM roles r CROSS JOIN permissions p WHERE r.name = 'admin';
