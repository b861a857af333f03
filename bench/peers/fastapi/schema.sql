-- The tables the peer reads, with as much in them as the demonstration data of the service: 100,000 accounts, two of 50 roles
-- each, eight of 100 permissions a role.
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE roles (id integer PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE permissions (id integer PRIMARY KEY, resource text NOT NULL, action text NOT NULL, UNIQUE (resource, action));
CREATE TABLE role_permissions (role_id integer REFERENCES roles, permission_id integer REFERENCES permissions, PRIMARY KEY (role_id, permission_id));
CREATE TABLE user_roles (user_id bigint REFERENCES users, role_id integer REFERENCES roles, PRIMARY KEY (user_id, role_id));

INSERT INTO roles SELECT i, 'role' || i FROM generate_series(1, 50) i;
INSERT INTO permissions SELECT i, 'res' || 1 + (i - 1) / 4, (ARRAY['read', 'write', 'admin', 'delete'])[1 + (i - 1) % 4] FROM generate_series(1, 100) i;
INSERT INTO role_permissions SELECT r, 1 + (r * 7 + k * 12) % 100 FROM generate_series(1, 50) r CROSS JOIN generate_series(0, 7) k;
INSERT INTO users (email) SELECT 'u' || i || '@example.com' FROM generate_series(1, 100000) i;
INSERT INTO user_roles SELECT u, 1 + (u + k * 25) % 50 FROM generate_series(1, 100000) u CROSS JOIN generate_series(0, 1) k;
ANALYZE users, roles, permissions, role_permissions, user_roles;
