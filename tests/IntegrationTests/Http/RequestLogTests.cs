using System.Net;
using System.Text;
using System.Text.Json;

namespace IntegrationTests.Http;

/// <summary>The lines about requests, and the times that answers carry.</summary>
public class RequestLogTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // OftenAsked on the routes of Authorization and health: without it every check is a line, which costs more than the check.
    [Fact]
    public async Task Busy_routes_are_logged_when_something_is_wrong_and_others_always()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        using var logs = new RecordedRequests();
        await using var node = await StartAsync(database, logs, ("Http:SlowRequest", "00:00:00"));
        var admin = await node.AddAdministratorAsync("root", Ct);
        (await admin.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new { permission = "a:b" }, Ct)).Dispose();
        (await node.Http.GetAsync(new Uri("/health/live", UriKind.Relative), Ct)).Dispose();
        (await node.Http.GetAsync(new Uri("/api/v1/authz/forward?token=secret&permission=a:b", UriKind.Relative), Ct)).Dispose();
        (await admin.SendAsync(HttpMethod.Get, "/api/v1/users/" + admin.Id, body: null, Ct)).Dispose();
        (await admin.SendAsync(HttpMethod.Get, "/nothing/here", body: null, Ct)).Dispose();

        var refused = await logs.OneOfAsync("/api/v1/authz/forward");
        Assert.Equal((401, "?token=***&permission=a:b", null), (refused.Value("Status"), refused.Value("Query"), refused.Value("UserId")));
        var read = await logs.OneOfAsync("/api/v1/users/" + admin.Id);
        Assert.Equal(("request", LogLevel.Information, "GET", "/api/v1/users/{id:long}", 200, admin.Id), (read.Event, read.Level, read.Value("Method"), read.Value("Route"), read.Value("Status"), read.Value("UserId")));
        Assert.True(read.Value("ResponseBytes") is > 100L);
        Assert.Equal(IPAddress.Loopback, ((IPAddress)read.Value("Ip")!).MapToIPv4());
        Assert.Contains("db;dur=", (string)read.Value("Parts")!, StringComparison.Ordinal);
        Assert.Equal((404, null), ((await logs.OneOfAsync("/nothing/here")).Value("Status"), (await logs.OneOfAsync("/nothing/here")).Value("Route")));
        Assert.Empty(logs.Of("/api/v1/authz/check"));
        Assert.Empty(logs.Of("/health/live"));
    }

    [Fact]
    public async Task Slow_requests_are_warned_of_also_if_none_is_logged_and_streams_never()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        using var logs = new RecordedRequests();
        await using var node = await StartAsync(database, logs, ("Http:RequestLog", "None"), ("Http:SlowRequest", "00:00:00.0010000"));
        var admin = await node.CreateAdministratorAsync(Ct);   // signs in: a hash, which takes 10 ms and more
        var slow = await logs.OneOfAsync("/api/v1/auth/login");
        Assert.Equal(("slow_request", LogLevel.Warning), (slow.Event, slow.Level));
        Assert.Contains("hash;dur=", (string)slow.Value("Parts")!, StringComparison.Ordinal);

        using (var export = await admin.SendAsync(HttpMethod.Get, "/api/v1/users/export", body: null, Ct)) Assert.True((await export.Content.ReadAsStringAsync(Ct)).Length > 10);
        (await admin.SendAsync(HttpMethod.Get, "/api/v1/users/export?format=none", body: null, Ct)).Dispose();
        (await admin.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change", new { current_password = "wrong", new_password = "some other long password" }, Ct)).Dispose();
        await logs.OneOfAsync("/api/v1/auth/password/change");   // so what came before has been written, if it is at all
        Assert.Empty(logs.Of("/api/v1/users/export"));
    }

    [Fact]
    public async Task Every_answer_says_how_long_it_took()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var (path, status) in new[] { ("/health/live", 200), ("/nothing", 404), ("/api/v1/users/profile", 401), ("/openapi/v1.json", 200), ("/docs/index.html", 200) })
        {
            using var answer = await stage.Node.Http.GetAsync(new Uri(path, UriKind.Relative), Ct);
            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Matches(@"^\d+\.\d\dms\z", Assert.Single(answer.Headers.GetValues("X-Response-Time")));
        }

        foreach (var operation in stage.Api.Operations)
        {
            using var content = operation.Members is null ? null : new StringContent("{", Encoding.UTF8, "application/json");
            using var answer = await stage.SendAsync(operation, content);
            Assert.Matches(@"^\d+\.\d\dms\z", Assert.Single(answer.Headers.GetValues("X-Response-Time")));
        }
    }

    // Exact times, and parts of them, tell a stranger which statements ran. Add them to every answer, and this fails.
    [Fact]
    public async Task Parts_are_told_to_those_who_have_shown_who_they_are_and_to_nobody_else()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await node.Database.AddUserAsync("anna", Ct);
        using var right = await LogInAsync(Account.StandardPassword);
        Assert.Equal(200, (int)right.StatusCode);
        Assert.Matches(@"^db;dur=\d+\.\d\d(, cache;dur=\d+\.\d\d)?, hash;dur=\d+\.\d\d\z", Assert.Single(right.Headers.GetValues("Server-Timing")));

        using var wrong = await LogInAsync("something else entirely");
        using var register = await node.Http.PostAsJsonAsync("/api/v1/auth/register", new { email = "b@example.com", username = "bert", password = Account.StandardPassword }, Ct);
        foreach (var answer in new[] { wrong, register })
        {
            Assert.False(answer.Headers.Contains("Server-Timing"));
            Assert.Matches(@"^\d+\.00ms\z", Assert.Single(answer.Headers.GetValues("X-Response-Time")));
        }

        Task<HttpResponseMessage> LogInAsync(string password) => node.Http.PostAsJsonAsync("/api/v1/auth/login", new { email = "anna1@example.com", password }, Ct);
    }

    // The framework's default is to wait. With ConsoleLoggerQueueFullMode.Wait in CommandHost no request is answered any more once pipe and queue are full, and this fails.
    [Fact]
    public async Task Nobody_has_to_read_the_log_for_requests_to_be_answered()
    {
        const int requests = 5_000;   // queue and pipe hold half of their lines
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var service = await ServiceProcess.StartAsync(
            [.. ServiceProcess.Settings(database, new byte[32]), "--Logging:LogLevel:Default=Information", "--Http:RequestLog=All"], Ct, readsOutput: false);
        var answered = 0;
        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Ct }, async (_, ct) =>
        {
            using var answer = await service.Http.GetAsync(new Uri("/health/live", UriKind.Relative), ct);
            if (answer.IsSuccessStatusCode) Interlocked.Increment(ref answered);
        });
        Assert.Equal(requests, answered);

        // Whoever reads again is told what is missing, and gets what comes from then on.
        service.ReadOutput();
        await Eventually.TrueAsync(async () =>
        {
            using var answer = await service.Http.GetAsync(new Uri("/health/live?after", UriKind.Relative), Ct);
            return service.Output.Contains("message(s) dropped", StringComparison.Ordinal) && service.Output.Contains("/health/live?after", StringComparison.Ordinal);
        }, TimeSpan.FromSeconds(20));
    }

    // Leave the format to the slim builder, and these are lines for people.
    [Fact]
    public async Task The_log_is_one_object_of_JSON_a_line()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var service = await ServiceProcess.StartAsync([.. ServiceProcess.Settings(database, new byte[32]), "--Logging:LogLevel:Default=Information"], Ct);
        using var answer = await service.Http.GetAsync(new Uri("/nowhere", UriKind.Relative), Ct);
        await Eventually.TrueAsync(() => service.Output.Contains("/nowhere", StringComparison.Ordinal), TimeSpan.FromSeconds(10));

        // What a first start has to say to its operator stands beside them.
        var lines = service.Output.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToList();
        Assert.All(lines, line => Assert.True(line.TryGetProperty("Timestamp", out _) && line.TryGetProperty("Message", out _)));
        var requests = lines.Where(line => line.GetProperty("Category").GetString() == "AuthService.Http.RequestLog").Select(line => line.GetProperty("State"));
        Assert.Single(requests, request => (request.GetProperty("Path").GetString(), request.GetProperty("Status").GetInt32()) == ("/nowhere", 404));
    }

    // T77, in lines for people, where nothing encodes what is logged.
    [Fact]
    public async Task No_client_can_write_lines_of_the_log_or_speak_to_the_terminal()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var service = await ServiceProcess.StartAsync(
            [.. ServiceProcess.Settings(database, new byte[32]), "--Logging:LogLevel:Default=Information", "--Http:RequestLog=All", "--Http:LogBodies=true", "--Http:SlowRequest=00:00:00.0010000"], Ct,
            environment: new Dictionary<string, string>(StringComparer.Ordinal) { ["DOTNET_ENVIRONMENT"] = "Development" });
        const string nasty = @"\r\nFAKE line \u001b[31m \u009b31m \u0007\u2028FAKE\u202e";
        var body = Encoding.UTF8.GetBytes($$"""{"email":"{{nasty}}","{{nasty}}":"{{nasty}}","password":"x"}""");
        foreach (var (head, content) in new (byte[], byte[])[]
        {
            (RawHttp.Head("GET", "/a%0d%0aFAKE%1b%5b31m?x=%0d%0aFAKE&y=%1b[31m", "User-Agent: a\u001b[31mFAKE", "X-Forwarded-For: \u001b[31mFAKE"), []),
            (RawHttp.Head("FAKE", "/api/v1/users/FAKE%0A"), []),
            (RawHttp.Head("POST", "/api/v1/auth/login?%0aFAKE=%0dFAKE", "Content-Type: application/json", $"Content-Length: {body.Length}"), body),
            (RawHttp.Head("POST", "/api/v1/auth/register", "Content-Type: application/json", $"Content-Length: {body.Length}"), body),
        })
        {
            await using var raw = await RawHttp.ConnectAsync(service.Http.BaseAddress!, Ct);
            await raw.SendAsync(head, Ct);
            await raw.SendAsync(content, Ct);
            Assert.InRange((await raw.ReadAsync(Ct)).Status, 400, 499);
        }

        await Eventually.TrueAsync(() => service.Output.Contains("/api/v1/auth/register", StringComparison.Ordinal), TimeSpan.FromSeconds(10));
        Assert.Contains("FAKE", service.Output, StringComparison.Ordinal);
        Assert.All(service.Output.Split('\n'), line =>
        {
            Assert.False(line.StartsWith("FAKE", StringComparison.Ordinal), line);
            Assert.DoesNotContain(line, c => char.IsControl(c) || c is '\u2028' or '\u202e');
        });
    }

    private Task<Node> StartAsync(TestDatabase database, RecordedRequests logs, params (string, string)[] settings) =>
        Node.StartAsync(database, Ct, services: s => s.AddSingleton<ILoggerProvider>(logs), settings: settings);
}
