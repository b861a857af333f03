using System.Reflection;
using System.Text.RegularExpressions;
using AuthService.Cli;
using AuthService.Explaining;
using SolidCache;
using SolidCache.Lanes;

namespace IntegrationTests.Explaining;

/// <summary>Every statement is explained with values that fit it, as production would plan it, and nothing remains of that.</summary>
public partial class ExplainStatementsTests(Servers servers) : IClassFixture<Servers>
{
    private const int Rows = 12_000;   // more than Plan.LargeTableRows

    private CancellationToken Ct => servers.TestTimeout;

    // Add a .sql file with a parameter of a new name, or leave a name out of SampleValues.draw.sql, and this fails; so does a value that the statement can't take.
    [Fact]
    public async Task Every_embedded_statement_is_explained_or_said_why_not()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await FillAsync(database, 40);
        var explanation = await ExplainAsync(database);

        var embedded =
            from assembly in new[] { typeof(AuthService.Problem).Assembly, typeof(TieredCache).Assembly }
            from file in assembly.GetManifestResourceNames()
            where file.EndsWith(".sql", StringComparison.Ordinal) && !file.Contains("/Migrations/", StringComparison.Ordinal) && !file.Contains("/Schema/", StringComparison.Ordinal) && file != "Postgres/log_entries.sql"
            select Tag().Match(Text(assembly, file)).Groups[1].Value;
        Assert.Equal(embedded.Order(StringComparer.Ordinal), explanation.Statements.Select(s => s.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

        var left = explanation.Statements.Where(s => s.NotExplained is not null && !ExplainStatements.NotExplained.ContainsKey(s.Name) && !s.NotExplained.EndsWith(" has no plan", StringComparison.Ordinal));
        Assert.Empty(left.Select(s => $"{s.Name}: {s.NotExplained}"));
        Assert.Empty(explanation.Statements.SelectMany(s => s.Plans, (s, p) => (s, p)).Where(x => x.p.Flags.Any(f => f.Code == "failed")).Select(x => $"{x.s.Name} {x.s.Shape} {x.p.Kind}: {x.p.Flags[0].Detail}"));
        Assert.True(explanation.Statements.Count(s => s.Name.StartsWith("Users/ListUsers.", StringComparison.Ordinal)) > 40, "lists are explained in all their shapes");
        Assert.All(explanation.Statements.Where(s => s.NotExplained is null), s => Assert.NotEmpty(s.Plans));
    }

    // Misspell a name in HotPaths or in ExplainStatements.NotExplained and this fails: nobody would notice that it is looked at no more.
    [Fact]
    public void What_is_named_is_there()
    {
        var names = OwnStatement.All.Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(HotPaths.Statements.Except(names, StringComparer.Ordinal));
        Assert.Empty(ExplainStatements.NotExplained.Keys.Except(names, StringComparer.Ordinal));
        Assert.Empty(HotPaths.Statements.Intersect(ExplainStatements.NotExplained.Keys, StringComparer.Ordinal));
    }

    // Hand another statement of the service to a LaneSet and this fails until OwnStatement.OnLanes names it: it would be explained with a plan that it never has.
    [Fact]
    public void Every_statement_that_lanes_carry_is_named()
    {
        var names = OwnStatement.All.Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(OwnStatement.OnLanes.Except(names, StringComparer.Ordinal));
        var carried = typeof(AuthService.Problem).Assembly.GetTypes().Where(t => t.BaseType is { IsGenericType: true } parent && parent.GetGenericTypeDefinition() == typeof(BatchedStatement<,>));
        Assert.Equal(carried.Count(), OwnStatement.OnLanes.Length);
    }

    // Commit in ExplainStatement instead of leaving the transaction, and this fails; with the values as literals of the statement, the last line does.
    [Fact]
    public async Task Nothing_is_changed_and_no_value_gets_into_the_servers_statistics()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await FillAsync(database, 40);
        var before = await StateAsync(database);
        await ExplainAsync(database);
        Assert.Equal(before, await StateAsync(database));
        Assert.Equal(0, await database.ReadSqlAsync<long>(
            "SELECT count(*) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database() AND s.query ~ 'n[0-9]+@example'", Ct));
    }

    // The healthy schema first. Then without the index that log-in goes by: an operator who dropped it is told. Let Plan.Judge leave Seq Scan out and this fails.
    [Fact]
    public async Task A_full_installation_has_no_flag_on_a_hot_path_and_one_without_an_index_has()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await FillAsync(database, Rows);
        var healthy = await ExplainAsync(database);
        Assert.Empty(healthy.SmallTables);
        // How long it took says more about the machine of this test.
        var flagged = healthy.FlaggedHotPaths.SelectMany(s => s.Plans.SelectMany(p => p.Flags), (s, f) => (s.Name, f)).Where(x => x.f.Code != "slow").ToList();
        Assert.True(flagged.Count == 0, string.Join('\n', flagged));

        await database.ExecuteSqlAsync("DROP INDEX users_email_key, users_email_prefix, users_names_trigrams", Ct);
        var login = Assert.Single((await ExplainAsync(database)).Statements, s => s.Name == "Authentication/LogIn.find_user");
        Assert.True(login.IsHot);
        Assert.All(login.Plans, p => Assert.Contains(p.Flags, f => f is { Code: "missing_index", Where: "users" }));
    }

    // A partial index is of use only to a plan that knows the value. Ask for the custom plan twice in ExplainStatement and this fails.
    [Fact]
    public async Task A_statement_whose_generic_plan_reads_all_is_flagged_although_the_custom_one_does_not()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await FillAsync(database, Rows);
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        var statement = new OwnStatement("Users/Some.statement", "", "SELECT u.id FROM users u WHERE u.deleted_at IS NULL AND u.is_active = $1 LIMIT 10", [new OwnParameter("is_active", "boolean")], IsPlannedForItsValues: false, RunsOnLanes: false);
        var plans = await new ExplainStatement(connection).ExecuteAsync(statement, ["false"], _ => Rows, Ct);
        Assert.Equal(["custom", "generic"], plans.Select(p => p.Kind));
        Assert.DoesNotContain(plans[0].Flags, f => f.Code is "seq_scan" or "missing_index");
        Assert.Contains(plans[1].Flags, f => f is { Code: "seq_scan" or "missing_index", Where: "users" });
    }

    private async Task<Explanation> ExplainAsync(TestDatabase database) => await new ExplainStatements(database.DataSource, ExplainCommand.Shapes).ExecuteAsync(static (_, _) => { }, Ct);

    private async Task FillAsync(TestDatabase database, int rows)
    {
        await database.ExecuteSqlAsync(
            """
            WITH added AS (
                INSERT INTO users (email, username, password_hash) SELECT 'n' || n || '@example.com', 'n' || n, 'x' FROM generate_series(1, $1) n RETURNING id
            ), granted AS (
                INSERT INTO user_roles (user_id, role_id) SELECT a.id, r.id FROM added a, roles r WHERE r.name = 'user'
            )
            INSERT INTO sessions (id, user_id, cur_hash, idle_expires_at, absolute_expires_at, amr)
            SELECT gen_random_uuid(), a.id, sha256(a.id::text::bytea), now() + interval '1 day', now() + interval '1 day', '{pwd}' FROM added a
            """, Ct, rows);
        await database.ExecuteSqlAsync("ANALYZE", Ct);
    }

    private async Task<string> StateAsync(TestDatabase database) => await database.ReadSqlAsync<string>(
        """
        SELECT concat_ws(' ', (SELECT md5(string_agg(u::text, ',' ORDER BY u.id)) FROM users u), (SELECT md5(string_agg(s::text, ',' ORDER BY s.id)) FROM sessions s),
            (SELECT md5(string_agg(r::text, ',' ORDER BY r.user_id, r.role_id)) FROM user_roles r), (SELECT count(*) FROM roles), (SELECT count(*) FROM permissions), (SELECT count(*) FROM role_permissions),
            (SELECT sum(c.living) FROM user_counts c), (SELECT count(*) FROM audit_events), (SELECT count(*) FROM signing_keys), (SELECT count(*) FROM bootstrap_tokens), (SELECT count(*) FROM system_settings),
            (SELECT count(*) FROM solid_cache.solid_cache_invalidations), (SELECT count(*) FROM solid_cache.solid_cache_tag_versions), (SELECT count(*) FROM solid_cache.solid_cache_nodes),
            (SELECT count(*) FROM solid_cache.solid_cache_entries), (SELECT count(*) FROM solid_cache.solid_cache_leases), (SELECT count(*) FROM schema_migrations))
        """, Ct);

    private static string Text(Assembly assembly, string file)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(file)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"/\* ((?:[A-Za-z]+/)+[A-Za-z]+\.[a-z_]+) \*/")]
    private static partial Regex Tag();
}
