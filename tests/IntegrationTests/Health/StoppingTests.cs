using System.Net;
using System.Security.Cryptography;
using AuthService.Tokens;
using IntegrationTests.Features.Events;

namespace IntegrationTests.Health;

/// <summary>What a process does between SIGTERM and its end.</summary>
public class StoppingTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    private CancellationToken Ct => servers.TestTimeout;

    // Without Draining in ReadyAsync the first wait fails (tried), without CloseConnectionsAsync the second one, and without CloseAsync the last line.
    [Fact]
    public async Task Told_to_stop_it_is_not_ready_answers_what_comes_then_takes_no_connection_and_lets_none_live_on()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var process = await ServiceProcess.StartAsync(ServiceProcess.Settings(database, _key, "--Http:DrainTime=00:00:01"), Ct);
        Assert.NotEqual(true, (await StatusAsync(process, "/health/live")).Closes);
        var stopping = process.StopAsync(Ct);
        await Eventually.TrueAsync(async () => (await StatusAsync(process, "/health/ready")).Status == HttpStatusCode.ServiceUnavailable, Limit);
        Assert.Equal(HttpStatusCode.OK, (await StatusAsync(process, "/.well-known/jwks.json")).Status);
        // On the connection there is, to the last answer, which says that it is the last.
        await Eventually.TrueAsync(async () => await StatusAsync(process, "/health/live") is (HttpStatusCode.OK, true), Limit);
        Assert.False(stopping.IsCompleted);
        await Assert.ThrowsAsync<HttpRequestException>(() => StatusAsync(process, "/health/live"));
        Assert.Equal(0, await stopping);
    }

    // A request that waits in the database is answered; let StopAsync in ServeCommand be called with a token that is cancelled, and it is not.
    [Fact]
    public async Task What_is_under_way_is_finished_and_streams_end_properly()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, MasterKey.Parse(Convert.ToBase64String(_key), "the test"));
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var process = await ServiceProcess.StartAsync(ServiceProcess.Settings(database, _key, "--Http:DrainTime=00:00:00"), Ct);
        var caller = new Caller(process.Http, admin);

        using var stream = await caller.SendAsync(HttpMethod.Get, ChangeStream.Path, HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        var reading = stream.Content.ReadAsStringAsync(Ct);

        await using var held = await database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await held.BeginTransactionAsync(Ct);
        await using (var take = new Npgsql.NpgsqlCommand("LOCK TABLE users", held, transaction)) await take.ExecuteNonQueryAsync(Ct);
        var waiting = caller.SendAsync(HttpMethod.Get, "/api/v1/users", HttpCompletionOption.ResponseContentRead, Ct);
        await Eventually.TrueAsync(async () => await database.ReadSqlAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass", Ct) > 0, Limit);

        var stopping = process.StopAsync(Ct);
        Assert.NotEmpty(await reading);   // to its end, and no exception: what ends a stream in the middle throws
        Assert.False(waiting.IsCompleted);
        await transaction.RollbackAsync(Ct);
        using var answer = await waiting;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(0, await stopping);
    }

    // Who holds a node up longer than Http:ShutdownTimeout is cut off, and sees it: no answer, or one that says so.
    [Fact]
    public async Task What_takes_too_long_is_ended_and_the_process_with_it()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, MasterKey.Parse(Convert.ToBase64String(_key), "the test"));
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var process = await ServiceProcess.StartAsync(ServiceProcess.Settings(database, _key, "--Http:DrainTime=00:00:00", "--Http:ShutdownTimeout=00:00:01"), Ct);
        await using var held = await database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await held.BeginTransactionAsync(Ct);
        await using (var take = new Npgsql.NpgsqlCommand("LOCK TABLE users", held, transaction)) await take.ExecuteNonQueryAsync(Ct);
        var waiting = new Caller(process.Http, admin).SendAsync(HttpMethod.Get, "/api/v1/users", HttpCompletionOption.ResponseContentRead, Ct);
        await Eventually.TrueAsync(async () => await database.ReadSqlAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass", Ct) > 0, Limit);
        var stopping = process.StopAsync(Ct);
        await stopping.WaitAsync(Limit, Ct);
        try
        {
            using var answer = await waiting;
            Assert.InRange((int)answer.StatusCode, 500, 599);
        }
        catch (HttpRequestException)
        {
            // Cut off.
        }
    }

    private async Task<(HttpStatusCode Status, bool? Closes)> StatusAsync(ServiceProcess process, string path)
    {
        using var answer = await process.Http.GetAsync(new Uri(path, UriKind.Relative), Ct);
        return (answer.StatusCode, answer.Headers.ConnectionClose);
    }

    private sealed record Caller(HttpClient Http, Account Account)
    {
        public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpCompletionOption until, CancellationToken ct)
        {
            using var request = new HttpRequestMessage(method, path);
            request.Headers.Authorization = new("Bearer", Account.Tokens.AccessToken);
            return await Http.SendAsync(request, until, ct);
        }
    }
}
