using System.Net;
using System.Text.Json.Nodes;
using AuthService.Database;
using IntegrationTests.SolidCache.Freshness;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;
using Xunit.Abstractions;

namespace IntegrationTests.Database;

/// <summary>Lists beside a real primary and a real streaming replica.</summary>
public class ReplicaReadsTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(150)).Token;

    // Read the lists from the primary, or rights from the replica, or answer 500 when it dies, and this fails.
    [Fact]
    public async Task Lists_are_read_from_the_replica_rights_are_not_and_nobody_notices_when_it_dies()
    {
        await using var server = await OwnServer.StartAsync(_ct);
        await using var standby = await StandbyServer.StartAsync(server, _ct);
        await standby.LetLagAsync(_ct);
        await using var admin = NpgsqlDataSource.Create(server.ConnectionString);
        var database = new TestDatabase(admin, new NpgsqlConnectionStringBuilder(server.ConnectionString).Database!, server.ConnectionString);   // goes with its server
        await using var _ = database.DataSource;
        await SolidCacheSchema.InstallAsync(database.DataSource, token: _ct);
        await new Migrator(database.DataSource, NullLogger<Migrator>.Instance).ApplyAsync(_ct);
        await using var node = await Node.StartAsync(database, _ct, settings: ("ConnectionStrings:Replica", standby.OwnConnectionString));
        var reader = await node.AddAccountAsync("reader", _ct, "users:read");
        await Eventually.TrueAsync(async () => await CountAsync(standby.OwnConnectionString) == await CountAsync(server.ConnectionString), Soon);   // it has caught up

        foreach (var path in new[] { "/api/v1/users", "/api/v1/users?search=reader", "/api/v1/users/export" })
        {
            using var answer = await reader.SendAsync(HttpMethod.Get, path, body: null, _ct);
            Assert.Contains("reader@example.com", await answer.Content.ReadAsStringAsync(_ct), StringComparison.Ordinal);
        }

        Assert.NotEmpty(await QueriesAsync(standby.OwnConnectionString, "Users/"));
        Assert.Empty(await QueriesAsync(server.ConnectionString, "Users/"));
        foreach (var own in new[] { "Authorization/", "Sessions/", "SolidCache/", "Tokens/" }) Assert.Empty(await QueriesAsync(standby.OwnConnectionString, own));
        Assert.Equal("healthy", await HealthAsync(node));

        var (asked, stop) = (0, false);
        var callers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref stop))
            {
                using var answer = await reader.SendAsync(HttpMethod.Get, "/api/v1/users?limit=5", body: null, _ct);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                Interlocked.Increment(ref asked);
            }
        })).ToArray();
        for (var i = 0; i < 2; i++)
        {
            await MoreAsync();
            await standby.StopAsync();
            await Eventually.TrueAsync(async () => await HealthAsync(node) == "unhealthy", Soon);
            await MoreAsync();
            await standby.StartAgainAsync();
            await Eventually.TrueAsync(async () => await HealthAsync(node) == "healthy", Soon);
        }

        await MoreAsync();
        stop = true;
        await Task.WhenAll(callers);
        await Eventually.TrueAsync(async () => (await QueriesAsync(standby.OwnConnectionString, "Users/")).Length > 0, Soon);
        output.WriteLine($"{asked} lists, the replica killed twice: all answered");

        Task MoreAsync()
        {
            var before = Volatile.Read(ref asked);
            return Eventually.TrueAsync(() => Volatile.Read(ref asked) > before + 200 || callers.Any(c => c.IsFaulted), Soon);
        }
    }

    /// <summary>What the service's connections to a server asked last.</summary>
    private static async Task<string[]> QueriesAsync(string connectionString, string part)
    {
        await using var db = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        await using var command = db.CreateCommand($"SELECT coalesce(array_agg(query), '{{}}') FROM pg_stat_activity WHERE application_name = 'authservice' AND query LIKE '%/* {part}%'");
        return (string[])(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }

    private static async Task<long> CountAsync(string connectionString)
    {
        await using var db = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        await using var command = db.CreateCommand("SELECT count(*) FROM user_roles");
        return (long)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }

    private static async Task<string?> HealthAsync(Node node)
    {
        var health = JsonNode.Parse(await node.Http.GetStringAsync(new Uri("/health", UriKind.Relative), CancellationToken.None))!;
        Assert.Equal((string?)health["services"]!["database"]!["pools"]!["replica"]!["status"] == "unhealthy" ? "degraded" : "healthy", (string?)health["status"]);
        return (string?)health["services"]!["database"]!["pools"]!["replica"]!["status"];
    }
}
