using System.Net;
using System.Text.Json.Nodes;
using AuthService.Features.Permissions;
using AuthService.Features.Roles;
using AuthService.Http;
using Npgsql;

namespace IntegrationTests.Database;

/// <summary>The lanes' statements keep the plan they were first given, and a new installation begins with empty tables.</summary>
public class PlansTests(Servers servers) : IClassFixture<Servers>
{
    private const int Rows = 30_000;

    // A row is found through a few pages; the smallest index of 30,000 rows has more than a hundred.
    private const double MostBlocksPerCall = 60;

    private const int Names = 10_000;
    private const int Limit = 51;

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

    // In the middle of 10,000: an index leads to the place, and what is read there is what is shown. Whether the plan is for these values or for any, and whether anybody has
    // analyzed the tables. Sort permissions by action and then by resource, and a sort is in the plan; join role_permissions with permissions in list_roles.sql, and all permissions are read for
    // each role.
    [Theory]
    [InlineData("roles", "name")]
    [InlineData("roles", "id")]
    [InlineData("permissions", "name")]
    [InlineData("permissions", "id")]
    public async Task A_page_by_cursor_reads_what_it_shows(string list, string sort)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        foreach (var table in new[] { "roles", "permissions", "role_permissions" }) await database.ExecuteSqlAsync($"ALTER TABLE {table} SET (autovacuum_enabled = off)", Ct);
        await database.ExecuteSqlAsync("INSERT INTO roles (name) SELECT 'role' || to_char(n, 'FM00000') FROM generate_series(1, $1) n", Ct, Names);
        await database.ExecuteSqlAsync("INSERT INTO permissions (resource, action) SELECT 'res' || to_char(n / 100, 'FM000'), 'do' || to_char(n, 'FM00000') FROM generate_series(1, $1) n", Ct, Names);
        await database.ExecuteSqlAsync("INSERT INTO role_permissions SELECT r.id, p.id FROM roles r JOIN permissions p ON p.id % 5000 = r.id % 5000 WHERE r.name LIKE 'role0%'", Ct);
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        var middle = (list, sort) switch { ("roles", "name") => ("role05000", ""), (_, "name") => ("res050", "do05000"), _ => ("5000", "5000") };
        foreach (var isAnalyzed in new[] { false, true })
        {
            if (isAnalyzed) await database.ExecuteSqlAsync("ANALYZE roles, permissions, role_permissions", Ct);
            foreach (var mode in new[] { "force_generic_plan", "force_custom_plan" })
                foreach (var isDescending in new[] { false, true })
                    foreach (var way in Enum.GetValues<Way>())
                    {
                        var reading = new Reading(sort, isDescending, way);
                        var plan = list == "roles"
                            ? await PlanAsync(connection, mode, ListRoles.StatementOf(reading, isSearch: false).Text, "text, integer, integer, bigint, text", $"'{middle.Item1}', {Limit}, 0, 0, NULL")
                            : await PlanAsync(connection, mode, ListPermissions.StatementOf(reading, isSearch: false).Text, "text, text, integer, integer, bigint, text", $"'{middle.Item1}', '{middle.Item2}', {Limit}, 0, 0, NULL");
                        var what = $"{mode}, {reading}, analyzed: {isAnalyzed}\n{plan}";
                        Assert.True(Nodes(plan, intoSubplans: false).All(n => !((string)n["Node Type"]!).Contains("Sort", StringComparison.Ordinal)), what);
                        Assert.True(Nodes(plan, intoSubplans: false).All(n => RowsOf(n) <= Limit + 1), what);
                        // The permissions of each role, one look each.
                        Assert.True(Nodes(plan, intoSubplans: true).All(n => RowsOf(n) <= 5 * Limit), what);
                        Assert.Equal(Limit, Nodes(plan, intoSubplans: false).First()["Actual Rows"]!.GetValue<double>());
                    }
        }

        static double RowsOf(JsonNode node) => (node["Actual Rows"]!.GetValue<double>() + (node["Rows Removed by Filter"]?.GetValue<double>() ?? 0)) * node["Actual Loops"]!.GetValue<double>();

        static IEnumerable<JsonNode> Nodes(JsonNode node, bool intoSubplans) =>
            (node["Plans"]?.AsArray() ?? []).Where(p => intoSubplans || (string?)p!["Parent Relationship"] != "SubPlan").SelectMany(p => Nodes(p!, intoSubplans)).Prepend(node);
    }

    private async Task<JsonNode> PlanAsync(NpgsqlConnection connection, string mode, string statement, string types, string values)
    {
        await using var command = new NpgsqlCommand($"SET plan_cache_mode = {mode}; PREPARE listed ({types}) AS {statement}", connection);
        await command.ExecuteNonQueryAsync(Ct);
        command.CommandText = $"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE listed ({values})";
        var plan = JsonNode.Parse((string)(await command.ExecuteScalarAsync(Ct))!)![0]!["Plan"]!;
        command.CommandText = "DEALLOCATE listed";
        await command.ExecuteNonQueryAsync(Ct);
        return plan;
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
