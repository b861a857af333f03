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

    private async Task<JsonNode> AssertAsync(Node node, string path, HttpStatusCode status, string said)
    {
        using var answer = await node.Http.GetAsync(new Uri(path, UriKind.Relative), Ct);
        Assert.Equal(status, answer.StatusCode);
        var body = (await answer.Content.ReadFromJsonAsync<JsonNode>(Ct))!;
        Assert.Equal(said, (string?)body["status"]);
        return body;
    }
}
