using System.Net;
using AuthService.Client;

namespace IntegrationTests.Features.Sessions;

public class StartSessionTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // T19. Take the session's id from the request, a header say, where there is one, and this fails.
    [Fact]
    public async Task Every_log_in_begins_a_session_of_its_own_and_nothing_the_client_brings_along_becomes_its_id()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var users = await database.AddUsersAsync("anna", 2, Ct);
        var before = await node.StartSessionAsync(users[0], Ct);
        var victims = await node.StartSessionAsync(users[1], Ct);
        var planted = Guid.CreateVersion7();
        Guid[] brought = [planted, SessionOf(before), SessionOf(victims)];

        var seen = new HashSet<Guid>(brought);
        foreach (var id in brought)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/auth/login?sid={id}&session_id={id}")
            {
                Content = JsonContent.Create(new LoginRequest { Email = "anna1@example.com", Password = Account.StandardPassword }, WireJson.Default.LoginRequest),
            };
            foreach (var name in new[] { "sid", "session", "session_id", "__Host-session", ".AspNetCore.Session" }) request.Headers.Add("Cookie", $"{name}={id}");
            request.Headers.Add("X-Session-Id", id.ToString());
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + before.Tokens.AccessToken);

            using var answer = await node.Http.SendAsync(request, Ct);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.StartsWith("__Host-known-device=", Assert.Single(answer.Headers.GetValues("Set-Cookie")), StringComparison.Ordinal);   // which is no session
            var tokens = (await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, Ct))!;
            Assert.True(seen.Add(node.MasterKey.Read(tokens.RefreshToken).SessionId));
        }

        // In the body such a member is refused like any other unknown one.
        using var body = new StringContent($$"""{"email":"anna1@example.com","password":"{{Account.StandardPassword}}","session_id":"{{planted}}"}""", null, "application/json");
        Assert.Equal("http.malformed_json", await node.Http.PostAsync("/api/v1/auth/login", body, Ct).CodeAsync(HttpStatusCode.BadRequest, Ct));
        Assert.Equal(0L, await database.ReadAsync<long>($"SELECT count(*) FROM sessions WHERE id = '{planted}'", Ct));
    }

    // The limit is exact because log-ins of one account wait for each other at touch_user.sql. Without that statement in the batch
    // they all see the same sessions and more than three remain.
    [Fact]
    public async Task Of_twelve_log_ins_at_once_the_last_three_stay_and_each_eviction_is_told()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        // All six of a node have to be let at the password at once, and without Redis each node has half of what is free.
        (string, string)[] settings = [("Sessions:MaxPerUser", "3"), ("Throttling:AccountFailures", "12")];
        await using var one = await Node.StartAsync(database, Ct, settings: settings);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey, settings: settings);
        Node[] nodes = [one, two];
        await database.AddUserAsync("anna", Ct);

        var held = await HeldLock.TakeAsync(database, "SELECT FROM users FOR UPDATE", Ct);
        var logIns = Race.RunAsync(12, i => nodes[i % 2].Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct));
        await held.UntilWaitingAsync(12, Ct);
        await held.DisposeAsync();
        var tokens = await logIns;

        var works = await Race.RunAsync(12, i => nodes[i % 2].Http.UseAsync(tokens[i].AccessToken, Ct));
        Assert.Equal((3, 9), (works.Count(status => status == HttpStatusCode.OK), works.Count(status => status == HttpStatusCode.Unauthorized)));
        Assert.Equal(3L, await database.ReadAsync<long>("SELECT count(*) FROM sessions WHERE revoked_at IS NULL", Ct));
        Assert.Equal(9L, await database.ReadAsync<long>("SELECT count(*) FROM sessions WHERE revoked_reason = 'surplus'", Ct));
        Assert.Equal(9L, await database.ReadAsync<long>(
            """
            SELECT count(DISTINCT e.target_id) FROM audit_events e JOIN sessions s ON s.id::text = e.target_id
            WHERE  e.type = 'excess_sessions_exceeded' AND s.revoked_reason = 'surplus' AND e.session_id <> s.id
            """, Ct));
    }

    [Fact]
    public async Task One_session_too_many_ends_the_oldest_and_one_that_has_expired_does_not_count()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Sessions:MaxPerUser", "3"));
        var id = await database.AddUserAsync("anna", Ct);
        var sessions = new List<Account>();
        for (var i = 0; i < 3; i++) sessions.Add(await node.StartSessionAsync(id, Ct));
        await database.ExecuteAsync($"UPDATE sessions SET idle_expires_at = now() WHERE id = '{SessionOf(sessions[1])}'", Ct);

        sessions.Add(await node.StartSessionAsync(id, Ct));
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(sessions[0].Tokens.AccessToken, Ct));
        sessions.Add(await node.StartSessionAsync(id, Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(sessions[0].Tokens.AccessToken, Ct));
        foreach (var account in sessions[2..]) Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(account.Tokens.AccessToken, Ct));
    }

    // Log-in against what takes the account away. Each round one revocation meets six clients whose password was checked
    // before it and who begin sessions until they are refused. Without the comparison of the version in touch_user.sql and
    // insert_session.sql the log-out and the password change fail; without what holds the account's row until the commit, touch_user in the
    // batch and FOR SHARE in insert_session.sql (each is enough), all four.
    [Theory]
    [InlineData("deactivate")]
    [InlineData("delete")]
    [InlineData("logout-all")]
    [InlineData("password change")]
    public async Task A_log_in_whose_password_was_checked_before_a_revocation_leaves_no_session_behind_it(string revocation)
    {
        const int rounds = 15;
        const int logIns = 6;
        await using var database = await servers.CreateDatabaseAsync(Ct);
        // So many that none has to go for want of room.
        await using var one = await Node.StartAsync(database, Ct, settings: ("Sessions:MaxPerUser", "1000"));
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey, settings: ("Sessions:MaxPerUser", "1000"));
        Node[] nodes = [one, two];
        var administrator = await one.CreateAdministratorAsync(Ct);
        var users = await database.AddUsersAsync("anna", rounds, Ct);

        var granted = 0;
        for (var round = 0; round < rounds; round++)
        {
            var id = users[round];
            var anna = await one.StartSessionAsync(id, Ct);
            var version = await database.ReadAsync<long>($"SELECT version FROM users WHERE id = {id}", Ct);
            // The log-ins come while the revocation is on its way: it needs some statements, and for a password two hashes.
            var done = 0;
            var started = await Race.RunAsync(logIns + 1, async i =>
            {
                var accounts = new List<Account>();
                if (i == logIns)
                {
                    Assert.Equal(HttpStatusCode.NoContent, await RevokeAsync(revocation, anna, administrator).StatusAsync());
                    Volatile.Write(ref done, 1);
                    return accounts;
                }

                while (Volatile.Read(ref done) == 0)
                {
                    if (await nodes[i % 2].TryStartSessionAsync(id, version, Ct) is not { } account) break;
                    accounts.Add(account);
                }

                return accounts;
            });

            granted += started.Sum(accounts => accounts.Count);
            // Only the session that changed the password may live on.
            var survivor = revocation == "password change" ? 1L : 0L;
            Assert.Equal(survivor, await database.ReadAsync<long>($"SELECT count(*) FROM sessions WHERE user_id = {id} AND revoked_at IS NULL", Ct));
            foreach (var account in started.SelectMany(accounts => accounts.TakeLast(1)))
            {
                Assert.Equal(HttpStatusCode.Unauthorized, await two.Http.UseAsync(account.Tokens.AccessToken, Ct));
                Assert.Equal(HttpStatusCode.Unauthorized, await one.Http.RefreshAsync(account.Tokens.RefreshToken, Ct).StatusAsync());
            }

            Assert.Null(await one.TryStartSessionAsync(id, version, Ct));
        }

        Assert.True(granted > 0, "No log-in came before a revocation: this was no race.");
    }

    // The same through the front door, hash and all: the account is read again after the collision, so log-out-all costs the user
    // nothing, and the others find it gone.
    [Theory]
    [InlineData("deactivate", HttpStatusCode.Unauthorized)]
    [InlineData("logout-all", HttpStatusCode.OK)]
    public async Task A_log_in_that_meets_a_revocation_is_judged_by_the_account_as_it_is_after_it(string revocation, HttpStatusCode expected)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var administrator = await node.CreateAdministratorAsync(Ct);
        var id = await database.AddUserAsync("anna", Ct);
        var anna = await node.StartSessionAsync(id, Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("anna1@example.com", "x", Ct).StatusAsync());

        // Whoever holds the row decides who goes first: the revocation, then the log-in, which by then has read the old version.
        var held = await HeldLock.TakeAsync(database, $"SELECT FROM users WHERE id = {id} FOR UPDATE", Ct);
        var revoking = RevokeAsync(revocation, anna, administrator).StatusAsync();
        await held.UntilWaitingAsync(1, Ct);
        var loggingIn = node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct);
        await held.UntilWaitingAsync(2, Ct);
        await held.DisposeAsync();

        Assert.Equal(HttpStatusCode.NoContent, await revoking);
        using var answer = await loggingIn;
        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal(expected == HttpStatusCode.OK ? 1L : 0L, await database.ReadAsync<long>($"SELECT count(*) FROM sessions WHERE user_id = {id} AND revoked_at IS NULL", Ct));

        // The second round still knows what the first began with: read attempt.FailedBefore where the event is made, and this fails.
        if (expected != HttpStatusCode.OK) return;
        const string afterFailure = "SELECT count(*) FROM audit_events WHERE type = 'authn_login_successafterfail' AND reason = '1 failed'";
        await Eventually.TrueAsync(async () => await database.ReadAsync<long>(afterFailure, Ct) == 1, TimeSpan.FromSeconds(20));
    }

    private Task<HttpResponseMessage> RevokeAsync(string revocation, Account account, Account administrator) => revocation switch
    {
        "logout-all" => account.SendAsync(HttpMethod.Post, "/api/v1/auth/logout-all", body: null, Ct),
        "password change" => account.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change",
            new ChangePasswordRequest { CurrentPassword = Account.StandardPassword, NewPassword = "a red kettle on no stove" }, Ct),
        "deactivate" => administrator.SendAsync(HttpMethod.Post, $"/api/v1/users/{account.Id}/deactivate", body: null, Ct),
        _ => administrator.SendAsync(HttpMethod.Delete, $"/api/v1/users/{account.Id}", body: null, Ct),
    };

    private static Guid SessionOf(Account account) => account.Node.MasterKey.Read(account.Tokens.RefreshToken).SessionId;
}
