using System.Net;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.DatabaseAdministration;
using Npgsql;

namespace IntegrationTests.Features.DatabaseAdministration;

public class ListSlowQueriesTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Without the condition on dbid another database's statement is there; without the one on the kind of statement a comment's text is, as it was typed.
    [Fact]
    public async Task Statements_of_this_database_are_listed_by_name_and_without_values()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var other = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        // Long, or it would not be among the first hundred of the server.
        await other.ReadSqlAsync<int>("SELECT 1 AS only_elsewhere FROM pg_sleep(0.5)", Ct);
        await database.ReadSqlAsync<string>("SELECT 'spoken-4711' AS here", Ct);
        await database.ExecuteSqlAsync("COMMENT ON TABLE users IS 'typed-4711'", Ct);
        using (await admin.SendAsync(HttpMethod.Get, "/api/v1/users?search=root", body: null, Ct)) { /* counted */ }

        var slow = await admin.GetAsync("/admin/slow-queries?limit=100", WireJson.Default.SlowQueries, Ct);
        Assert.Equal((true, true, null), (slow.Available, slow.SeesAll, slow.Hint));
        Assert.NotNull(slow.Since);
        Assert.Equal(slow.Items.OrderByDescending(q => q.TotalMs).Select(q => q.Query), slow.Items.Select(q => q.Query));
        var search = Assert.Single(slow.Items, q => q.Name == "Users/ListUsers.search_users");
        Assert.True(search is { Calls: 1, TotalMs: > 0, MaxMs: > 0, BuffersHit: > 0 } && search.MeanMs <= search.MaxMs + 0.001, $"{search}");
        Assert.Contains(slow.Items, q => q.Query.EndsWith(" AS here", StringComparison.Ordinal));
        Assert.DoesNotContain(slow.Items, q => q.Query.Contains("only_elsewhere", StringComparison.Ordinal));
        Assert.DoesNotContain(slow.Items, q => q.Query.Contains("4711", StringComparison.Ordinal));
        Assert.Single((await admin.GetAsync("/admin/slow-queries?limit=1", WireJson.Default.SlowQueries, Ct)).Items);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(101)]
    public async Task A_limit_out_of_range_is_refused(int limit)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        using var answer = await admin.SendAsync(HttpMethod.Get, FormattableString.Invariant($"/admin/slow-queries?limit={limit}"), body: null, Ct);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("database.limit_not_valid", (await answer.Content.ReadFromJsonAsync(WireJson.Default.ProblemBody, Ct))!.Code);
    }

    // Without the look before the list this is a 503.
    [Fact]
    public async Task Where_the_extension_lacks_the_answer_says_what_to_do()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await database.ExecuteSqlAsync("DROP EXTENSION pg_stat_statements", Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var slow = await admin.GetAsync("/admin/slow-queries", WireJson.Default.SlowQueries, Ct);
        Assert.Equal((false, 0), (slow.Available, slow.Items.Count));
        Assert.Contains("CREATE EXTENSION", slow.Hint, StringComparison.Ordinal);
    }

    // An account that may not see what others run is told so. Leave "queryid IS NOT NULL" and the kind of statement out, and the placeholder text is listed.
    [Fact]
    public async Task Without_pg_read_all_stats_only_ones_own_statements_are_listed()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await database.ReadSqlAsync<int>("SELECT 1 AS of_the_superuser", Ct);
        await database.ExecuteSqlAsync("CREATE ROLE plain_reader LOGIN PASSWORD 'plain'", Ct);
        try
        {
            var plain = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = "plain_reader", Password = "plain", Pooling = false };
            await using var db = DataSources.Create(plain.ConnectionString, new DatabaseOptions(), loggers: null);
            await using (var own = db.CreateCommand("SELECT 1 AS of_the_reader")) await own.ExecuteScalarAsync(Ct);
            Assert.False((await new ListSlowQueries(db).ExecuteAsync(100, Ct)).Failed(out _, out var slow));
            Assert.Equal((true, false), (slow.Available, slow.SeesAll));
            Assert.Contains("pg_read_all_stats", slow.Hint, StringComparison.Ordinal);
            Assert.Contains(slow.Items, q => q.Query.EndsWith("of_the_reader", StringComparison.Ordinal));
            Assert.DoesNotContain(slow.Items, q => q.Query.Contains("of_the_superuser", StringComparison.Ordinal) || q.Query.Contains("insufficient", StringComparison.Ordinal));
        }
        finally
        {
            await database.ExecuteSqlAsync("DROP ROLE plain_reader", CancellationToken.None);
        }
    }
}
