using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Xunit.Abstractions;

namespace IntegrationTests.Http;

/// <summary>
/// Bodies of every size and pace, with requests logged, bodies and all, times told and members validated. The service this one replaces hung on every JSON POST,
/// because what logged and what validated had read the body before the endpoint did.
/// </summary>
public class BodiesTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private const string Check = "/api/v1/authz/check";

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);

    private CancellationToken Ct => servers.TestTimeout;

    // Read a body in ObservedBodies before going on (Request.BodyReader.ReadAsync), and those that come slowly are not answered. Take MinRequestBodyDataRate away, and the
    // 64 KiB are waited for; leave it as it ships (240 bytes a second after 5 s), and a log-in of this length is refused.
    [Fact]
    public async Task Every_one_is_answered_whatever_its_size_and_however_slowly_it_comes()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        using var logs = new RecordedRequests();
        await using var node = await Node.StartAsync(database, Ct, services: s => s.AddSingleton<ILoggerProvider>(logs), settings: [("Http:RequestLog", "All"), ("Http:LogBodies", "true")]);
        var admin = await node.CreateAdministratorAsync(Ct);
        var token = "Authorization: Bearer " + admin.Tokens.AccessToken;
        // 120 bytes: 6 s at this pace, by when the framework's own limit would have refused it.
        var logIn = Encoding.ASCII.GetBytes("{\"email\":\"root@example.com\",\"password\":\"" + Account.StandardPassword + "\"}").ToList();
        logIn.InsertRange(1, Encoding.ASCII.GetBytes(new string(' ', 120 - logIn.Count)));

        await Task.WhenAll(
            OneAsync("0 B", 400, Check, token, [], chunked: false, pace: false),
            OneAsync("1 B", 400, Check, token, "{"u8.ToArray(), chunked: false, pace: false),
            OneAsync("64 KiB", 200, Check, token, Question(65_536), chunked: false, pace: false),
            OneAsync("64 KiB, chunked", 200, Check, token, Question(65_536), chunked: true, pace: false),
            OneAsync("1 MiB", 200, Check, token, Question(1_048_576), chunked: false, pace: false),
            OneAsync("1 MiB + 1", 413, Check, token, Question(1_048_577), chunked: false, pace: false),
            OneAsync("1 MiB + 1, chunked", 413, Check, token, Question(1_048_577), chunked: true, pace: false),
            OneAsync("log-in, a byte per 50 ms", 200, "/api/v1/auth/login", "X-Nothing: 1", [.. logIn], chunked: false, pace: true),
            OneAsync("64 KiB, a byte per 50 ms", 408, Check, token, Question(65_536), chunked: false, pace: true, limit: TimeSpan.FromSeconds(10)),
            AbortAsync());

        // Everything was said, and nothing that is a secret.
        Assert.DoesNotContain(logs.All, l => l.Level >= LogLevel.Error);
        Assert.All(logs.All, l => Assert.False(
            new[] { Account.StandardPassword, admin.Tokens.AccessToken, admin.Tokens.RefreshToken, "eyJ", "rt1_" }.Any(secret => l.Text.Contains(secret, StringComparison.Ordinal)), l.Text));
        Assert.Contains(logs.Of("/api/v1/auth/login"), l => l.Value("RequestBody") as string == """{"email":"root@example.com","password":"***"}""");
        Assert.Contains(logs.Of(Check), l => l.Value("ResponseBody") is string body && body.StartsWith("{\"allowed\":", StringComparison.Ordinal));
        Assert.Contains(logs.Of(Check), l => l.Value("RequestBytes") is 65_536L && l.Value("UserId") is long user && user == admin.Id);
        // A client that is slow does not make the service slow.
        Assert.DoesNotContain(logs.Of("/api/v1/auth/login"), l => l.Event == "slow_request");

        async Task OneAsync(string what, int expected, string path, string header, byte[] body, bool chunked, bool pace, TimeSpan? limit = null)
        {
            await using var raw = await RawHttp.ConnectAsync(node, Ct);
            var watch = Stopwatch.StartNew();
            var length = chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {body.Length}";
            await raw.SendAsync(RawHttp.Head("POST", path, "Content-Type: application/json", header, length), Ct);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            var sending = SendAsync(raw, body, chunked, pace, stop.Token);
            var answer = await raw.ReadAsync(Ct);
            output.WriteLine($"{what}: {answer.Status} in {watch.ElapsedMilliseconds} ms");
            await stop.CancelAsync();
            await sending;
            Assert.True(answer.Status == expected, $"{what}: {answer.Status} {answer.Body}");
            Assert.Single(answer.Headers["X-Response-Time"]);
            if (expected == 408) Assert.Contains("\"http.body_timeout\"", answer.Body, StringComparison.Ordinal);
            if (limit is { } longest) Assert.True(watch.Elapsed < longest, $"{what}: {watch.Elapsed}");
        }

        // Nothing is wrong with the service if a client leaves: no error, and the status that says so.
        async Task AbortAsync()
        {
            using (var client = new TcpClient { NoDelay = true, LingerState = new LingerOption(enable: true, seconds: 0) })
            {
                await client.ConnectAsync(node.Http.BaseAddress!.Host, node.Http.BaseAddress.Port, Ct);
                await client.GetStream().WriteAsync(RawHttp.Head("POST", "/api/v1/auth/register", "Content-Type: application/json", "Content-Length: 100", "Expect: 100-continue"), Ct);
                _ = await client.GetStream().ReadAsync(new byte[64], Ct);   // 100: the endpoint waits for the body
                await client.GetStream().WriteAsync("{\"email\":"u8.ToArray(), Ct);
            }

            var watch = Stopwatch.StartNew();
            Assert.Equal(499, (await logs.OneOfAsync("/api/v1/auth/register")).Value("Status"));
            output.WriteLine($"aborted half-way: noticed within {watch.ElapsedMilliseconds} ms");
        }
    }

    private static byte[] Question(int size) => Encoding.ASCII.GetBytes("{\"permission\":\"a:b\"".PadRight(size - 1) + "}");

    private static async Task SendAsync(RawHttp raw, byte[] body, bool chunked, bool pace, CancellationToken ct)
    {
        try
        {
            using var timer = new PeriodicTimer(Pace);
            foreach (var part in body.Chunk(pace ? 1 : 10_000))
            {
                if (pace) await timer.WaitForNextTickAsync(ct);
                await raw.SendAsync(chunked ? [.. Encoding.ASCII.GetBytes($"{part.Length:x}\r\n"), .. part, .. "\r\n"u8] : part, ct);
            }

            if (chunked) await raw.SendAsync("0\r\n\r\n"u8.ToArray(), ct);
        }
        catch (OperationCanceledException)
        {
            // Answered already.
        }
    }
}
