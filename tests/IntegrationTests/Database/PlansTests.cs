using System.Net;

namespace IntegrationTests.Database;

/// <summary>The lanes' statements keep the plan they were first given, and a new installation begins with empty tables.</summary>
public class PlansTests(Servers servers) : IClassFixture<Servers>
{
    private const int Rows = 30_000;

    // A row is found through a few pages; the smallest index of 30,000 rows has more than a hundred.
    private const double MostBlocksPerCall = 60;

    private CancellationToken Ct => servers.TestTimeout;

    // With "JOIN users" and without IS TRUE a rotation came to 90,000 blocks a call, until the tables were analyzed; with ORDER BY or
    // "deleted_at IS NULL" as a condition in load_role_ids.sql a load came to 120.
    [Fact]
    public async Task A_plan_made_while_the_tables_were_empty_finds_rows_by_their_keys_when_they_are_full()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        foreach (var table in new[] { "users", "user_roles", "sessions", "solid_cache.solid_cache_tag_versions" })
            await database.ExecuteSqlAsync($"ALTER TABLE {table} SET (autovacuum_enabled = off)", Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await UseAllAsync(node, await SessionsAsync(node, "early", 8));

        await database.ExecuteSqlAsync(
            """
            WITH added AS (
                INSERT INTO users (email, username, password_hash) SELECT 'n' || n || '@example.com', 'n' || n, 'x' FROM generate_series(1, $1) n RETURNING id
            ), granted AS (
                INSERT INTO user_roles (user_id, role_id) SELECT a.id, r.id FROM added a, roles r WHERE r.name = 'user'
            )
            INSERT INTO sessions (id, user_id, cur_hash, idle_expires_at, absolute_expires_at, amr)
            SELECT gen_random_uuid(), a.id, sha256(a.id::text::bytea), now() + interval '1 day', now() + interval '1 day', '{pwd}' FROM added a
            """, Ct, Rows);
        await database.ExecuteSqlAsync("INSERT INTO solid_cache.solid_cache_tag_versions SELECT n, n, pg_current_xact_id() FROM generate_series(1, $1) n", Ct, Rows);

        await database.ExecuteSqlAsync("SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)", Ct);
        var late = await SessionsAsync(node, "late", 8);
        await UseAllAsync(node, late);
        foreach (var name in new[] { "RefreshSession.rotate", "LiveSessions.find_sessions", "Rights.load_role_ids" })
        {
            var blocks = await database.ReadSqlAsync<double>(
                """
                SELECT coalesce(sum(s.shared_blks_hit + s.shared_blks_read)::float8 / sum(s.calls), -1) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
                WHERE  d.datname = current_database() AND s.query LIKE '%/' || $1 || ' */%'
                """, Ct, name);
            Assert.True(blocks is > 0 and <= MostBlocksPerCall, FormattableString.Invariant($"{name}: {blocks:N0} blocks a call"));
        }
    }

    /// <summary>Accounts that have just signed in, and of which the node has nothing in memory.</summary>
    private async Task<Account[]> SessionsAsync(Node node, string name, int count)
    {
        var accounts = new List<Account>();
        foreach (var id in await node.Database.AddUsersAsync(name, count, Ct)) accounts.Add(await node.StartSessionAsync(id, Ct));
        return [.. accounts];
    }

    /// <summary>One after the other: each a call of its own, on whichever lane is next.</summary>
    private async Task UseAllAsync(Node node, Account[] accounts)
    {
        foreach (var account in accounts)
        {
            Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(account.Tokens.AccessToken, Ct));
            await node.Http.RefreshAsync(account.Tokens.RefreshToken, Ct).TokensAsync(Ct);
        }
    }
}
