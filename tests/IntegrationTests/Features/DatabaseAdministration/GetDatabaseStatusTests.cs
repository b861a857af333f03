using System.Net;
using AuthService.Client;
using Npgsql;

namespace IntegrationTests.Features.DatabaseAdministration;

public class GetDatabaseStatusTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Every connection taken: who asks for one waits and gets 503, the status is told without one, and when they are given back all is well at once.
    // That the status asks the server for 2 s only, and not as long as everybody else waits, is not told apart here.
    [Fact]
    public async Task An_exhausted_pool_is_seen_and_its_callers_get_503_and_not_a_hang()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var status = await StatusAsync(admin);
        Assert.Equal((20, "disabled", 1), (status.Primary.Max, status.ReplicaStatus, status.Nodes));
        Assert.Equal(20 + Math.Clamp(Environment.ProcessorCount / 2, 2, 8) + 6 + 20, status.ConnectionsNeeded);
        Assert.True(status.Server is { Max: > 0, Open: > 0, Reserved: > 0 }, $"{status}");

        var source = node.Services.GetRequiredService<NpgsqlDataSource>();
        var held = new List<NpgsqlConnection>();
        for (var i = 0; i < 20; i++) held.Add(await source.OpenConnectionAsync(Ct));
        var waiting = admin.SendAsync(HttpMethod.Get, "/api/v1/users", body: null, Ct);
        var gauges = node.Services.GetRequiredService<AuthService.Database.PoolGauges>();
        await Eventually.TrueAsync(() => gauges.Of("primary").Waiting > 0, TimeSpan.FromSeconds(10));
        var exhausted = await StatusAsync(admin);
        Assert.Null(exhausted.Server);
        Assert.True(exhausted.Primary is { Size: >= 20, Waiting: >= 1 }, $"{exhausted.Primary}");
        using (var refused = await waiting)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        foreach (var connection in held) await connection.DisposeAsync();
        Assert.Equal(HttpStatusCode.OK, await admin.SendAsync(HttpMethod.Get, "/api/v1/users", body: null, Ct).StatusAsync());
        Assert.NotNull((await StatusAsync(admin)).Server);
    }

    // The same by way of a lock: each connection is held by a request that waits for it. Whoever comes then is told 503 and when to come again, what memory answers is answered, and
    // when the lock goes those who waited are served and nobody was forgotten. Without RetryAfterSeconds in HttpProblems.Unavailable this fails.
    [Fact]
    public async Task Behind_a_locked_table_those_without_a_connection_are_refused_and_memory_still_answers()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        Assert.Equal(HttpStatusCode.OK, await admin.SendAsync(HttpMethod.Get, Calls.AnyonesPath, body: null, Ct).StatusAsync());
        var pool = (await StatusAsync(admin)).Primary.Max;
        var ct = Ct;

        Task<HttpResponseMessage>[] first, more;
        await using (var held = await HeldLock.TakeAsync(database, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE", ct))
        {
            first = [.. Enumerable.Range(0, pool).Select(_ => admin.SendAsync(HttpMethod.Get, "/api/v1/users", body: null, ct))];
            await held.UntilWaitingAsync(pool, ct);
            more = [.. Enumerable.Range(0, pool).Select(_ => admin.SendAsync(HttpMethod.Get, "/api/v1/users", body: null, ct))];
            Assert.Equal(HttpStatusCode.OK, await admin.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new CheckRequest { Permission = "users:read" }, ct).StatusAsync());
            foreach (var call in more)
            {
                using var refused = await call;
                Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
                Assert.NotNull(refused.Headers.RetryAfter);
            }

            Assert.All(first, call => Assert.False(call.IsCompleted));
        }

        foreach (var call in first) Assert.Equal(HttpStatusCode.OK, await call.StatusAsync());
        Assert.Equal(0, (await StatusAsync(admin)).Primary.Waiting);
    }

    private async Task<DatabaseStatus> StatusAsync(Account admin) => await admin.GetAsync("/admin/db-status", WireJson.Default.DatabaseStatus, Ct);
}
