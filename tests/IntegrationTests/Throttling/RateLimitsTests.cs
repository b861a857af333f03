using System.Net;
using AuthService.Client;

namespace IntegrationTests.Throttling;

/// <summary>What one client address, or one session, may do, and what it is told of that.</summary>
public class RateLimitsTests(Servers servers) : IClassFixture<Servers>
{
    private const string Anna = "anna1@example.com";
    private const string Code = "http.too_many_requests";

    private readonly StandingClock _clock = new();

    private CancellationToken Ct => servers.TestTimeout;

    // T46. One more or one less than configured, a refusal that reads the account, or a second event in one window, and this fails.
    [Fact]
    public async Task An_address_may_fail_so_often_in_a_window_whatever_accounts_it_tries()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Throttling:FailuresPerIp", "5"));
        await database.AddUserAsync("anna", Ct);
        for (var i = 0; i < 5; i++)
        {
            Assert.True(await node.LetsInAsync(Anna, Ct, forwardedFor: "203.0.113.7"));   // what succeeds does not count as failed
            using var failed = await node.LogInAsync($"nobody{i}@example.com", "x", Ct, forwardedFor: "203.0.113.7");
            Assert.Equal(HttpStatusCode.Unauthorized, failed.StatusCode);
            Assert.Null(failed.Header("RateLimit"));   // T40: no 401 says more than another
        }

        var statements = await Statements.CountAsync(database, async () =>
        {
            foreach (var email in new[] { Anna, "nobody@example.com" })
            {
                using var over = await node.LogInAsync(email, Account.StandardPassword, Ct, forwardedFor: "203.0.113.7");
                Assert.Equal(HttpStatusCode.TooManyRequests, over.StatusCode);
                Assert.Equal(Code, (await over.ProblemAsync(Ct)).Code);
                Assert.Equal(TimeSpan.FromMinutes(1), over.Headers.RetryAfter?.Delta);
                Assert.Equal(("\"login-failures\";q=5;w=60", "\"login-failures\";r=0;t=60"), (over.Header("RateLimit-Policy"), over.Header("RateLimit")));
            }
        }, Ct);
        Assert.Empty(statements);
        await database.AuditedAsync("excess_rate_limit_exceeded", 1, Ct, "reason = 'login-failures' AND ip = '203.0.113.7'");

        Assert.True(await node.LetsInAsync(Anna, Ct, forwardedFor: "203.0.113.8"));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await node.LetsInAsync(Anna, Ct, forwardedFor: "203.0.113.7"));
    }

    [Fact]
    public async Task Log_ins_of_an_address_are_limited_too_and_those_let_in_are_told_what_is_left()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Throttling:LogInsPerIp", "3"), ("Throttling:FailuresPerIp", "9"));
        await database.AddUserAsync("anna", Ct);
        for (var left = 2; left >= 0; left--)
        {
            using var answer = await node.LogInAsync(Anna, Account.StandardPassword, Ct);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("\"logins\";q=3;w=60, \"login-failures\";q=9;w=60", answer.Header("RateLimit-Policy"));
            Assert.Equal($"\"logins\";r={left};t=60, \"login-failures\";r=9", answer.Header("RateLimit"));
        }

        Assert.Equal(Code, await node.LogInAsync(Anna, Account.StandardPassword, Ct).CodeAsync(HttpStatusCode.TooManyRequests, Ct));
    }

    // T72. Read the header from its beginning, or believe it from anybody, and the attacker has as many addresses as he can write.
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("none", false)]
    public async Task What_a_client_writes_into_X_Forwarded_For_counts_for_nothing(string trusted, bool isBehindProxy)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct, settings: [("Http:TrustedProxies", trusted), ("Throttling:FailuresPerIp", "3")]);
        for (var i = 0; i < 3; i++)
        {
            // The proxy adds the address it was called from: one subscriber's network, each time another host of it.
            await node.FailAsync($"nobody{i}@example.com", 1, Ct, forwardedFor: $"198.51.100.{i}, 2001:db8:0:7::{i}");
        }

        Assert.Equal(Code, await node.LogInAsync("nobody@example.com", "x", Ct, forwardedFor: "198.51.100.9, 2001:db8:0:7:ffff::1").CodeAsync(HttpStatusCode.TooManyRequests, Ct));
        var neighbour = await node.LogInAsync("nobody@example.com", "x", Ct, forwardedFor: "2001:db8:0:8::1").StatusAsync();
        Assert.Equal(isBehindProxy ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests, neighbour);
    }

    // T46, T14. A statement for a forged token, or one that succeeds counted as failed, and this fails.
    [Fact]
    public async Task Tokens_without_worth_are_counted_by_address_and_cost_no_statement()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Throttling:RefreshFailuresPerIp", "4"), ("Throttling:RefreshesPerSession", "10"));
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var token = anna.Tokens.RefreshToken;
        for (var i = 0; i < 5; i++)
        {
            using var answer = await node.RefreshAsync(token, Ct);
            token = (await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, Ct))!.RefreshToken;
            Assert.Equal("\"session-refreshes\";q=10;w=60", answer.Header("RateLimit-Policy"));
            Assert.Equal($"\"session-refreshes\";r={9 - i};t=60", answer.Header("RateLimit"));
        }

        var statements = await Statements.CountAsync(database, async () =>
        {
            foreach (var forged in new[] { "x", "y", token[..^1] + (token[^1] == 'A' ? 'E' : 'A'), MasterKeyOfNobody(token) })
            {
                using var answer = await node.RefreshAsync(forged, Ct);
                Assert.True(answer.StatusCode is HttpStatusCode.Unauthorized, $"{answer.StatusCode}");
                Assert.Null(answer.Header("RateLimit"));
            }

            Assert.Equal(Code, await node.RefreshAsync("x", Ct).CodeAsync(HttpStatusCode.TooManyRequests, Ct));
        }, Ct);
        Assert.Empty(statements);
        Assert.Equal(HttpStatusCode.OK, await node.RefreshAsync(token, Ct).StatusAsync());   // a good one is let through: it can't have been guessed
        Assert.Equal(HttpStatusCode.Unauthorized, await node.RefreshAsync("x", Ct, forwardedFor: "203.0.113.8").StatusAsync());
        await database.AuditedAsync("excess_rate_limit_exceeded", 1, Ct);
    }

    // T46. An authentic token that is worth nothing any more is a failure as well: of its address, not of its session.
    [Fact]
    public async Task Tokens_of_ended_sessions_are_counted_by_address()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Throttling:RefreshFailuresPerIp", "2"));
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        (await anna.SendAsync(HttpMethod.Post, "/api/v1/auth/logout", body: null, Ct)).Dispose();
        for (var i = 0; i < 2; i++) Assert.Equal(HttpStatusCode.Unauthorized, await node.RefreshAsync(anna.Tokens.RefreshToken, Ct).StatusAsync());
        Assert.Equal(HttpStatusCode.TooManyRequests, await node.RefreshAsync(anna.Tokens.RefreshToken, Ct).StatusAsync());
    }

    [Fact]
    public async Task One_session_may_refresh_so_often_in_a_window()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Throttling:RefreshesPerSession", "3"));
        var ids = await database.AddUsersAsync("anna", 2, Ct);
        var (anna, other) = (await node.StartSessionAsync(ids[0], Ct), await node.StartSessionAsync(ids[1], Ct));
        var token = anna.Tokens.RefreshToken;
        for (var i = 0; i < 3; i++) token = (await node.RefreshAsync(token, Ct).TokensAsync(Ct)).RefreshToken;
        using (var over = await node.RefreshAsync(token, Ct))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, over.StatusCode);
            Assert.Equal("\"session-refreshes\";r=0;t=60", over.Header("RateLimit"));
        }

        Assert.Equal(HttpStatusCode.OK, await node.RefreshAsync(other.Tokens.RefreshToken, Ct).StatusAsync());
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.OK, await node.RefreshAsync(token, Ct).StatusAsync());   // nothing was lost by waiting
    }

    [Fact]
    public async Task Registrations_of_an_address_are_limited_whether_or_not_the_address_is_taken()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Throttling:RegistrationsPerIp", "2"));
        foreach (var left in new[] { 1, 0 })
        {
            using var answer = await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            Assert.Equal($"\"registrations\";r={left};t=3600", answer.Header("RateLimit"));
        }

        using var over = await node.Http.RegisterAsync("berta", Account.StandardPassword, Ct);
        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromHours(1)), (over.StatusCode, over.Headers.RetryAfter?.Delta));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync("berta", Account.StandardPassword, Ct).StatusAsync());
    }

    /// <summary>The session of a real token, signed by another installation.</summary>
    private static string MasterKeyOfNobody(string token)
    {
        var middle = token.Length / 2;
        return token[..middle] + (token[middle] == 'A' ? 'B' : 'A') + token[(middle + 1)..];
    }

    private Task<Node> StartAsync(TestDatabase database, params (string Key, string Value)[] settings) =>
        ThrottledNode.StartAsync(database, _clock, Ct, settings: [.. settings, ("Http:TrustedProxies", "127.0.0.1")]);
}
