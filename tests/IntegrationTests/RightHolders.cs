using AuthService.Client;
using AuthService.Features.Sessions;
using AuthService.Http;
using Npgsql;

namespace IntegrationTests;

/// <summary>Accounts written by SQL and signed in without a password: nothing is hashed, so a test may have as many as it needs.</summary>
internal static class RightHolders
{
    /// <summary>An account that holds exactly these permissions, through a role of its own.</summary>
    public static async Task<Account> AddAccountAsync(this Node node, string name, CancellationToken ct, params string[] permissions)
    {
        var id = await node.Database.AddRightlessUserAsync(name, ct);
        if (permissions.Length > 0) await node.Database.GrantAsync(id, await node.Database.AddRoleAsync("only-" + name, ct, permissions), ct);
        return await node.OpenSessionAsync(id, ct);
    }

    /// <summary>One more account that holds the role <c>admin</c>.</summary>
    public static async Task<Account> AddAdministratorAsync(this Node node, string name, CancellationToken ct)
    {
        var id = await node.Database.AddRightlessUserAsync(name, ct);
        await node.Database.GrantAsync(id, await node.Database.RoleIdAsync("admin", ct), ct);
        return await node.OpenSessionAsync(id, ct);
    }

    /// <summary>A new session of an account, as if its owner had just shown their password.</summary>
    public static async Task<Account> OpenSessionAsync(this Node node, long userId, CancellationToken ct)
    {
        var version = await node.Database.ReadSqlAsync<long>("SELECT version FROM users WHERE id = $1", ct, userId);
        var identity = new ProvedIdentity(new SignedInUser(userId, "", "", null), version, ["pwd"]);
        var tokens = await node.Services.GetRequiredService<StartSession>().ExecuteAsync(identity, Caller.CommandLine, ct);
        return new Account(node, tokens ?? throw new InvalidOperationException($"Account {userId} may not sign in."));
    }

    /// <returns>Number of the account.</returns>
    public static Task<long> AddRightlessUserAsync(this TestDatabase database, string name, CancellationToken ct) =>
        database.ReadSqlAsync<long>(
            "INSERT INTO users (email, username, password_hash) VALUES ($1 || '@example.com', $1, 'none') RETURNING id", ct, name);

    /// <summary>
    /// A role that holds exactly these permissions, given as <c>resource:action</c>; they must exist. In one transaction: a node that reads the role alone, for a stream whose right
    /// it looks at again, say, learns of permissions that SQL adds only with its next poll.
    /// </summary>
    /// <returns>Number of the role.</returns>
    public static async Task<long> AddRoleAsync(this TestDatabase database, string name, CancellationToken ct, params string[] permissions)
    {
        var made = await database.ReadSqlAsync<long[]>(
            """
            WITH role AS (INSERT INTO roles (name) VALUES ($1) RETURNING id), held AS (
                INSERT INTO role_permissions SELECT r.id, p.id FROM role r, permissions p WHERE p.resource || ':' || p.action = ANY ($2) RETURNING role_id)
            SELECT ARRAY[r.id, (SELECT count(*) FROM held)] FROM role r
            """, ct, name, permissions);
        Assert.Equal(permissions.Length, made[1]);
        return made[0];
    }

    /// <returns>Number of the permission. Nobody holds it yet, not even the role <c>admin</c>.</returns>
    public static Task<long> AddPermissionAsync(this TestDatabase database, string resource, string action, CancellationToken ct) =>
        database.ReadSqlAsync<long>("INSERT INTO permissions (resource, action) VALUES ($1, $2) RETURNING id", ct, resource, action);

    public static Task GrantAsync(this TestDatabase database, long userId, long roleId, CancellationToken ct) =>
        database.ExecuteSqlAsync("INSERT INTO user_roles (user_id, role_id) VALUES ($1, $2)", ct, userId, roleId);

    public static Task<long> RoleIdAsync(this TestDatabase database, string name, CancellationToken ct) =>
        database.ReadSqlAsync<long>("SELECT id FROM roles WHERE name = $1", ct, name);

    public static Task<long> PermissionIdAsync(this TestDatabase database, string name, CancellationToken ct) =>
        database.ReadSqlAsync<long>("SELECT id FROM permissions WHERE resource || ':' || action = $1", ct, name);

    /// <summary>The first column of the first row.</summary>
    public static async Task<T> ReadSqlAsync<T>(this TestDatabase database, string sql, CancellationToken ct, params object[] parameters)
    {
        await using var command = Command(database, sql, parameters);
        return (T)(await command.ExecuteScalarAsync(ct) ?? throw new InvalidOperationException($"No row: {sql}"));
    }

    /// <returns>Number of rows changed.</returns>
    public static async Task<int> ExecuteSqlAsync(this TestDatabase database, string sql, CancellationToken ct, params object[] parameters)
    {
        await using var command = Command(database, sql, parameters);
        return await command.ExecuteNonQueryAsync(ct);
    }

    private static NpgsqlCommand Command(TestDatabase database, string sql, object[] parameters)
    {
        var command = database.DataSource.CreateCommand(sql);
        foreach (var parameter in parameters) command.Parameters.AddWithValue(parameter);
        return command;
    }
}
