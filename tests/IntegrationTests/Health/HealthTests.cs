using System.Net;
using System.Text.Json.Nodes;
using IntegrationTests.Http;

namespace IntegrationTests.Health;

public class HealthTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Each probe answers for itself: a node that lost its database lives, so nothing restarts it, but gets no requests. Let live ask the
    // database, or ready not, and this fails.
    [Fact]
    public async Task Without_its_database_a_node_lives_is_not_ready_and_recovers_by_itself()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await AssertAsync(node, "/health/live", HttpStatusCode.OK, "healthy");
        await AssertAsync(node, "/health/ready", HttpStatusCode.OK, "healthy");
        var health = await AssertAsync(node, "/health", HttpStatusCode.OK, "healthy");
        Assert.True((bool)health["services"]!["database"]!["healthy"]!);
        Assert.Equal("disabled", (string?)health["services"]!["redis"]!["status"]);

        await database.SetReachableAsync(false, Ct);
        await AssertAsync(node, "/health/live", HttpStatusCode.OK, "healthy");
        // What was seen half a second ago is told once more.
        await Eventually.TrueAsync(async () =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Ct);
            return !answer.IsSuccessStatusCode;
        }, TimeSpan.FromSeconds(20));
        using (var ready = await node.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Ct))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            Assert.Equal("http.unavailable", (await ready.ProblemAsync(Ct)).Code);
            Assert.NotNull(ready.Headers.RetryAfter);
        }

        var sick = await AssertAsync(node, "/health", HttpStatusCode.ServiceUnavailable, "unhealthy");
        Assert.False((bool)sick["services"]!["database"]!["healthy"]!);

        await database.SetReachableAsync(true, Ct);
        await Eventually.TrueAsync(async () =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Ct);
            return answer.IsSuccessStatusCode;
        }, TimeSpan.FromSeconds(20));
        await AssertAsync(node, "/health", HttpStatusCode.OK, "healthy");
    }

    // Scripts and dashboards read it. A member more is one that anybody sees.
    [Fact]
    public async Task Health_has_its_shape_and_tells_nothing_else()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await database.ExecuteSqlAsync(
            """
            INSERT INTO solid_cache.solid_cache_entries (key_hash, key, value, created_at, expires_at, byte_size)
            SELECT n, 'key ' || n, '', now(), now() + interval '1 h' * (CASE WHEN n = 1 THEN -1 ELSE 1 END), 1000 FROM generate_series(1, 3) n
            """, Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("SolidCache:CleanupInterval", "00:00:00"));
        var health = await AssertAsync(node, "/health", HttpStatusCode.OK, "healthy");
        var primary = health["services"]!["database"]!["pools"]!["primary"]!;
        Assert.InRange((int)primary["free"]!, 0, (int)primary["size"]!);
        (primary["size"], primary["free"]) = (10, 10);
        Assert.Equal(
            """{"status":"healthy","services":{"database":{"healthy":true,"pools":{"primary":{"status":"healthy","size":10,"free":10},"replica":{"status":"disabled","size":0,"free":0}}},"redis":{"status":"disabled"},"solid_cache":{"status":"healthy","total_entries":3,"expired_entries":1,"total_size_kb":3.3}}}""",
            health.ToJsonString());
    }

    // Start a look for each question in JointLook and a hundred of them run a hundred statements: anybody could keep the database busy.
    [Fact]
    public async Task However_many_ask_the_database_is_asked_once()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var counts = await Statements.CountAsync(database, () => Race.RunAsync(100, async _ =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/health", UriKind.Relative), Ct);
            return answer.EnsureSuccessStatusCode().StatusCode;
        }), Ct);
        Assert.InRange(counts.GetValueOrDefault("Health/DatabaseLook.read_version"), 1, 20);
        Assert.Equal(1, counts["SolidCache/Postgres/PostgresUpkeep.count_entries"]);
    }

    // A binary on a schema that lacks what it needs would fail request by request. Ask for any version in DatabaseLook and this node is ready.
    [Fact]
    public async Task On_a_schema_that_is_not_migrated_a_node_is_healthy_and_not_ready()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await AssertAsync(node, "/health/ready", HttpStatusCode.OK, "healthy");
        await database.ExecuteSqlAsync("DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)", Ct);
        await BecomesAsync(node, HttpStatusCode.ServiceUnavailable);
        await AssertAsync(node, "/health", HttpStatusCode.OK, "healthy");
        await database.ExecuteSqlAsync("INSERT INTO schema_migrations (version, name, checksum) VALUES (9998, '9998_newer', '')", Ct);
        await BecomesAsync(node, HttpStatusCode.OK);   // the next version's node has migrated already
        await database.ExecuteSqlAsync("DROP TABLE schema_migrations", Ct);
        await BecomesAsync(node, HttpStatusCode.ServiceUnavailable);
    }

    // Never "yes", and never a word about why: the message of the driver names server, database and account.
    [Fact]
    public async Task Without_its_database_every_question_is_answered_with_503_and_no_detail()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await database.SetReachableAsync(false, Ct);
        foreach (var path in new[] { "/api/v1/users/profile", "/api/v1/users", "/api/v1/me/permissions", "/api/v1/authz/forward?permission=users:read" })
        {
            using var answer = await admin.SendAsync(HttpMethod.Get, path, body: null, Ct);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
            Assert.Equal("http.unavailable", (await answer.ProblemAsync(Ct)).Code);
            Problems.AssertTellsNothing(await answer.Content.ReadAsStringAsync(Ct), path);
        }

        await database.SetReachableAsync(true, Ct);
        await Eventually.TrueAsync(async () =>
        {
            using var answer = await admin.SendAsync(HttpMethod.Get, "/api/v1/users", body: null, Ct);
            return answer.IsSuccessStatusCode;   // the session has outlived it
        }, TimeSpan.FromSeconds(20));
    }

    private Task BecomesAsync(Node node, HttpStatusCode status) => Eventually.TrueAsync(async () =>
    {
        using var answer = await node.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Ct);
        return answer.StatusCode == status;
    }, TimeSpan.FromSeconds(20));

    private async Task<JsonNode> AssertAsync(Node node, string path, HttpStatusCode status, string said)
    {
        using var answer = await node.Http.GetAsync(new Uri(path, UriKind.Relative), Ct);
        Assert.Equal(status, answer.StatusCode);
        var body = (await answer.Content.ReadFromJsonAsync<JsonNode>(Ct))!;
        Assert.Equal(said, (string?)body["status"]);
        return body;
    }
}
