using System.Text;
using AuthService.Client;
using AuthService.Features.Sessions;
using AuthService.Http;
using AuthService.Passwords;
using AuthService.Tokens;
using Npgsql;

namespace IntegrationTests;

/// <summary>Accounts and sessions without the 20 ms of a hash: rows put in by SQL, sessions begun behind the password check.</summary>
internal static class Accounts
{
    private static readonly Lazy<string> StandardHash = new(() => Argon2id.Hash(Account.StandardPassword, 19_456, 2));

    /// <summary>Accounts <c>name1@example.com</c> and on, with the standard password and the role of everybody.</summary>
    public static async Task<long[]> AddUsersAsync(this TestDatabase database, string name, int count, CancellationToken ct)
    {
        await using var command = database.DataSource.CreateCommand(
            """
            WITH added AS (
                INSERT INTO users (email, username, password_hash)
                SELECT $1 || n || '@example.com', $1 || n, $2 FROM generate_series(1, $3) n
                RETURNING id
            ), granted AS (
                INSERT INTO user_roles (user_id, role_id) SELECT a.id, r.id FROM added a, roles r WHERE r.name = 'user'
            )
            SELECT array_agg(id ORDER BY id) FROM added
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = StandardHash.Value });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        return (long[])(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>One account <c>name1@example.com</c>.</summary>
    public static async Task<long> AddUserAsync(this TestDatabase database, string name, CancellationToken ct) =>
        (await database.AddUsersAsync(name, 1, ct))[0];

    /// <summary>What follows the password check of a log-in.</summary>
    /// <returns>Null if the account has moved on from <paramref name="version"/> or is not active.</returns>
    public static async Task<Account?> TryStartSessionAsync(this Node node, long userId, long version, CancellationToken ct)
    {
        var identity = new ProvedIdentity(new SignedInUser(userId, "", "", null), version, ["pwd"]);
        var tokens = await node.Services.GetRequiredService<StartSession>().ExecuteAsync(identity, Caller.Service, ct);
        return tokens is null ? null : new Account(node, tokens);
    }

    public static async Task<Account> StartSessionAsync(this Node node, long userId, CancellationToken ct)
    {
        var version = await node.Database.ReadAsync<long>($"SELECT version FROM users WHERE id = {userId}", ct);
        return await node.TryStartSessionAsync(userId, version, ct) ?? throw new InvalidOperationException("The account is not active.");
    }

    public static async Task<T> ReadAsync<T>(this TestDatabase database, string sql, CancellationToken ct)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(ct))!;
    }

    public static async Task<int> ExecuteAsync(this TestDatabase database, string sql, CancellationToken ct)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        return await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Every row of every table, as one text; binary columns in hexadecimal.</summary>
    public static async Task<string> DumpAsync(this TestDatabase database, CancellationToken ct)
    {
        var tables = await database.ReadAsync<string[]>(
            "SELECT array_agg(oid::regclass::text) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace", ct);
        var dump = new StringBuilder();
        foreach (var table in tables)
        {
            dump.Append(table).Append(": ").AppendLine(await database.ReadAsync<string>($"SELECT coalesce(string_agg(row_to_json(t)::text, E'\\n'), '') FROM {table} t", ct));
        }

        return dump.ToString();
    }

    /// <summary>What a refresh token of this installation says: its session, its place in the chain, its hash.</summary>
    public static (Guid SessionId, int Generation, byte[] Hash) Read(this MasterKey masterKey, string refreshToken)
    {
        var tokens = new RefreshTokens(masterKey);
        Assert.True(tokens.TryRead(refreshToken, out var token));
        return (token.SessionId, token.Generation, tokens.HashOf(token));
    }
}
