using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using AuthService.Client;
using AuthService.Features.Bootstrap;
using IntegrationTests.Outbound;

namespace IntegrationTests.Passwords;

/// <summary>New passwords are looked for among stolen ones, at a service that answers as a test says.</summary>
public class BreachedPasswordsTests(Servers servers) : IClassFixture<Servers>
{
    private const string Stolen = "tea kettle on a green stove";

    private CancellationToken Ct => servers.TestTimeout;

    // Send more of the hash, or the password, and the first assertion fails; leave out one of the three calls of RefuseAsync, and what it guards is done.
    [Fact]
    public async Task A_stolen_password_is_refused_wherever_one_is_set_and_five_digits_are_all_that_is_shown()
    {
        var asked = new ConcurrentQueue<string>();
        await using var service = await Receiver.StartAsync(async (context, _) =>
        {
            using var body = new StreamReader(context.Request.Body);
            asked.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {await body.ReadToEndAsync(Ct)}{string.Join(' ', context.Request.Headers.Select(h => $"{h.Key}:{h.Value}").Order(StringComparer.Ordinal))}");
            await context.Response.WriteAsync(RangeWith(Stolen, 3), Ct);
        }, Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, service);
        await AssertStolenAsync(await RegisterAsync(node, "ann", Stolen), "/password");
        Assert.Equal([$"GET /range/{Digits(Stolen)[..5]} Add-Padding:true Host:127.0.0.1:{service.Port} User-Agent:AuthService/1"], asked);

        var ann = await node.CreateUserAsync("ann", Ct);
        await AssertStolenAsync(await ann.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change",
            new ChangePasswordRequest { CurrentPassword = Account.StandardPassword, NewPassword = Stolen }, Ct), "/new_password");
        var first = await node.Services.GetRequiredService<CreateFirstAdministrator>().AsOperatorAsync("root@example.com", Stolen, Ct);
        Assert.True(first.Failed(out var problem, out _));
        Assert.Equal(["passwords.breached"], problem.Errors.Select(e => e.Code));
        Assert.Equal(2, service.Requests);   // one for each range: what was asked is kept
    }

    // Keep no ranges, and the second registration asks too; take lines of padding for hits, and it is refused.
    [Fact]
    public async Task A_line_that_only_fills_up_is_no_hit()
    {
        await using var service = await Receiver.StartAsync((context, _) => context.Response.WriteAsync(RangeWith(Stolen, 0), Ct), Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, service);
        foreach (var name in new[] { "ann", "bob", "ann" })   // also where there is such an account
        {
            using var answer = await RegisterAsync(node, name, Stolen);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        }

        Assert.Equal(1, service.Requests);
    }

    // Let a failure be one of the request, or wait as long as other calls may take, and this fails.
    [Theory]
    [InlineData("500")]
    [InlineData("404")]
    [InlineData("302")]
    [InlineData("silent")]
    [InlineData("slow")]
    [InlineData("endless")]
    [InlineData("garbage")]
    [InlineData("half a line")]
    [InlineData("gone")]
    public async Task Without_a_readable_answer_in_time_the_password_is_taken(string how)
    {
        await using var service = await Receiver.StartAsync(async (context, _) =>
        {
            var gone = context.RequestAborted;
            switch (how)
            {
                case "silent":
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, gone);
                    break;
                case "slow":
                    using (var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50)))
                    {
                        while (await timer.WaitForNextTickAsync(gone)) { await context.Response.WriteAsync("A", gone); await context.Response.Body.FlushAsync(gone); }
                    }

                    break;
                case "endless":
                    while (!gone.IsCancellationRequested) await context.Response.WriteAsync(RangeWith(Stolen, 3), gone);
                    break;
                case "garbage":
                    await context.Response.WriteAsync(RangeWith(Stolen, 3) + "<html>", gone);
                    break;
                case "half a line":
                    await context.Response.WriteAsync(Digits(Stolen)[5..], gone);
                    break;
                case "gone":
                    context.Abort();
                    break;
                default:
                    context.Response.StatusCode = int.Parse(how, System.Globalization.CultureInfo.InvariantCulture);
                    break;
            }
        }, Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var log = new Lines();
        await using var node = await StartAsync(database, service, log);
        var took = Stopwatch.StartNew();
        foreach (var name in new[] { "ann", "bob" })
        {
            using var answer = await RegisterAsync(node, name, Stolen);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        }

        Assert.InRange(took.Elapsed.TotalSeconds, 0, 10);   // a second each, and hashes on a busy machine
        Assert.Single(log.Texts, t => t.StartsWith("It can't be asked", StringComparison.Ordinal));
        Assert.DoesNotContain(log.Texts, t => t.Contains(Digits(Stolen)[5..], StringComparison.OrdinalIgnoreCase) || t.Contains(Stolen, StringComparison.Ordinal));
    }

    private Task<Node> StartAsync(TestDatabase database, Receiver service, Lines? log = null) =>
        Node.StartAsync(database, Ct, services: s => { if (log is not null) s.AddSingleton<ILoggerProvider>(log); },
            settings: [("Passwords:BreachedUrl", $"{service.Url}range"), ("Outbound:AllowedNetworks", "127.0.0.1")]);

    private Task<HttpResponseMessage> RegisterAsync(Node node, string name, string password) => node.Http.PostAsJsonAsync(
        "/api/v1/auth/register", new RegisterRequest { Email = $"{name}@example.com", Username = name, Password = password }, WireJson.Default.RegisterRequest, Ct);

    private async Task AssertStolenAsync(HttpResponseMessage answer, string pointer)
    {
        using (answer)
        {
            var problem = await answer.ProblemAsync(Ct);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
            Assert.Equal([(pointer, "passwords.breached")], problem.Errors!.Select(e => (e.Pointer, e.Code)));
        }
    }

    /// <summary>As the service writes them.</summary>
    private static string RangeWith(string password, int times) =>
        $"0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n{Digits(password)[5..]}:{times}\r\n011053FD0102E94D6AE2F8B83D76FAF94F6:0\r\n";

    private static string Digits(string password)
    {
#pragma warning disable CA5350 // what the lists are made of
        return Convert.ToHexString(SHA1.HashData(Encoding.UTF8.GetBytes(password)));
#pragma warning restore CA5350
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _texts = new();

        public IReadOnlyCollection<string> Texts => _texts;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _texts.Enqueue(formatter(state, exception) + exception);

        public void Dispose()
        {
        }
    }
}
