using System.Net;
using System.Runtime.CompilerServices;
using AuthService.Audit;
using AuthService.Client;
using AuthService.Http;
using AuthService.Tokens;
using IntegrationTests.SolidCache;
using Npgsql;

namespace IntegrationTests.Audit;

public class AuditTrailTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Remove any Record or AppendAsync of these flows and this fails.
    [Fact]
    public async Task Every_flow_leaves_its_events_with_who_and_whom()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        long root, anna, berta;
        Guid session;
        string kid;
        await using (var node = await Node.StartAsync(database, Ct, settings: ("Sessions:MaxPerUser", "2")))
        {
            var administrator = await node.CreateAdministratorAsync(Ct);
            root = administrator.Id;
            Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct).StatusAsync());
            Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct).StatusAsync());
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("anna@example.com", "x", Ct).StatusAsync());
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("nobody@example.com", "x", Ct).StatusAsync());
            var account = await node.SignInAsync("anna@example.com", Account.StandardPassword, Ct);
            anna = account.Id;
            session = node.MasterKey.Read(account.Tokens.RefreshToken).SessionId;
            var renewed = await node.Http.RefreshAsync(account.Tokens.RefreshToken, Ct).TokensAsync(Ct);
            Assert.Equal(HttpStatusCode.Forbidden, await account.SendAsync(HttpMethod.Get, "/api/v1/users", body: null, Ct).StatusAsync());
            await account.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new CheckRequest { Permission = "users:read" }, Ct).StatusAsync();
            await account.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new CheckRequest { Permission = "no permission" }, Ct).StatusAsync();
            const string change = "/api/v1/auth/password/change";
            await account.SendAsync(HttpMethod.Post, change, new ChangePasswordRequest { CurrentPassword = "x", NewPassword = "x" }, Ct).StatusAsync();
            Assert.Equal(HttpStatusCode.NoContent, await account.SendAsync(HttpMethod.Post, change,
                new ChangePasswordRequest { CurrentPassword = Account.StandardPassword, NewPassword = "a red kettle on no stove" }, Ct).StatusAsync());
            Assert.Equal(HttpStatusCode.NoContent, await account.SendAsync(HttpMethod.Post, "/api/v1/auth/logout", body: null, Ct).StatusAsync());
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(renewed.RefreshToken, Ct).StatusAsync());   // no reuse: it has ended

            var others = new[] { await node.StartSessionAsync(anna, Ct), await node.StartSessionAsync(anna, Ct), await node.StartSessionAsync(anna, Ct) };
            var next = await node.Http.RefreshAsync(others[2].Tokens.RefreshToken, Ct).TokensAsync(Ct);
            await node.Http.RefreshAsync(next.RefreshToken, Ct).TokensAsync(Ct);
            await node.Http.RefreshAsync(others[2].Tokens.RefreshToken, Ct).StatusAsync();
            Assert.Equal(HttpStatusCode.NoContent, await others[1].SendAsync(HttpMethod.Post, "/api/v1/auth/logout-all", body: null, Ct).StatusAsync());

            using (var made = await administrator.SendAsync(HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "berta@example.com", Username = "berta" }, Ct))
            {
                berta = (await made.Content.ReadFromJsonAsync(WireJson.Default.CreatedUser, Ct))!.Id;
            }

            await administrator.SendAsync(HttpMethod.Post, $"/api/v1/users/{berta}/deactivate", body: null, Ct).StatusAsync();
            await administrator.SendAsync(HttpMethod.Post, $"/api/v1/users/{berta}/activate", body: null, Ct).StatusAsync();
            await administrator.SendAsync(HttpMethod.Delete, $"/api/v1/users/{berta}", body: null, Ct).StatusAsync();
            kid = (await node.Services.GetRequiredService<RotateSigningKey>().ExecuteAsync(Caller.CommandLine, Ct)).Kid;
            await node.Services.GetRequiredService<DistrustSigningKey>().ExecuteAsync(kid, Caller.CommandLine, Ct);
        }

        string[] expected =
        [
            "sys_startup success system",
            $"user_created success cli user:{root} (first administrator)",
            $"authn_login_success success user {root} user:{root}",
            $"user_created success anonymous user:{anna}",
            "user_created failure anonymous (email taken)",
            $"authn_login_fail failure anonymous user:{anna}",
            "authn_login_fail failure anonymous (unknown)",
            $"authn_login_successafterfail success user {anna} user:{anna} (1 failed)",
            $"session_renewed success user {anna} in the session",
            $"authz_fail failure user {anna} in the session permission:users:read",
            $"authz_fail failure user {anna} in the session user:{anna} (users:read)",
            $"authz_fail failure user {anna} in the session user:{anna} (malformed permission)",
            $"authn_password_change_fail failure user {anna} in the session user:{anna}",
            $"authn_password_change success user {anna} in the session user:{anna}",
            $"session_logout success user {anna} in the session session:{session}",
            $"session_use_after_expire failure anonymous in the session user:{anna}",
            $"excess_sessions_exceeded success user {anna} in another session",
            $"session_renewed success user {anna} in another session",
            $"session_renewed success user {anna} in another session",
            $"authn_token_reuse failure anonymous in another user:{anna}",
            $"session_logout success user {anna} in another user:{anna} (all)",
            $"user_created success user {root} in another user:{berta}",
            $"user_updated success user {root} in another user:{berta} (deactivate)",
            $"user_updated success user {root} in another user:{berta} (activate)",
            $"user_deleted success user {root} in another user:{berta}",
            $"key_rotated success cli signing_key:{kid}",
            $"key_distrusted success cli signing_key:{kid}",
            "sys_shutdown success system",
        ];
        var events = await database.ReadAsync<string[]>(
            $"""
            SELECT array_agg(concat_ws(' ', type, outcome, actor_type, actor_id,
                             CASE WHEN session_id = '{session}' THEN 'in the session' WHEN session_id IS NOT NULL THEN 'in another' END,
                             CASE WHEN type = 'excess_sessions_exceeded' THEN target_type ELSE target_type || ':' || target_id END,
                             '(' || reason || ')') ORDER BY ts, id)
            FROM   audit_events
            """, Ct);
        Assert.Equal(
            expected.Select(e => e.Replace("in another session", "in another", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            events.Select(e => e.StartsWith("excess", StringComparison.Ordinal) ? e[..^" session".Length] : e).Order(StringComparer.Ordinal));
        Assert.Equal("sys_shutdown success system", events[^1]);
    }

    // T77, as far as the trail goes. Without Caller.Printable the ESC gets in.
    [Fact]
    public async Task An_event_says_where_the_call_came_from_in_characters_that_are_safe_anywhere()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using (var node = await Node.StartAsync(database, Ct))
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/login")
            {
                Content = JsonContent.Create(new LoginRequest { Email = "nobody@example.com", Password = "x" }, WireJson.Default.LoginRequest),
            };
            request.Headers.TryAddWithoutValidation("User-Agent", "browser \t" + new string('x', 400));
            request.Headers.Add("X-Request-ID", "request-1");
            request.Headers.Add("X-Forwarded-For", "203.0.113.9");
            await node.Http.SendAsync(request, Ct).StatusAsync();
        }

        Assert.Equal(
            $"127.0.0.1 request-1 browser ?{new string('x', 247)}",
            await database.ReadAsync<string>("SELECT concat_ws(' ', host(ip), request_id, user_agent) FROM audit_events WHERE type = 'authn_login_fail'", Ct));
    }

    // Without the wait for the buffer in AuditTrail.StopAsync these are lost.
    [Fact]
    public async Task What_waits_in_the_buffer_is_written_before_the_node_has_stopped()
    {
        const int refreshes = 20;
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var node = await Node.StartAsync(database, Ct);
        var token = (await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct)).Tokens.RefreshToken;
        await Eventually.TrueAsync(async () => await CountAsync(database, "sys_startup") == 1, TimeSpan.FromSeconds(20));

        // Nobody writes to the trail while this is held.
        var held = await HeldLock.TakeAsync(database, "LOCK TABLE audit_events IN EXCLUSIVE MODE", Ct);
        for (var i = 0; i < refreshes; i++) token = (await node.Http.RefreshAsync(token, Ct).TokensAsync(Ct)).RefreshToken;
        Assert.Equal(0L, await CountAsync(database, "session_renewed"));
        var stopping = node.DisposeAsync().AsTask();
        Assert.False(stopping.IsCompleted);
        await held.DisposeAsync();
        await stopping;

        Assert.Equal((refreshes, 1L), (await CountAsync(database, "session_renewed"), await CountAsync(database, "sys_shutdown")));
    }

    // T79's second half. Write the event after the commit, or swallow its failure, and the changes below stay.
    [Fact]
    public async Task Where_the_event_cannot_be_written_the_change_does_not_happen_and_what_is_buffered_waits()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var administrator = await node.CreateAdministratorAsync(Ct);
        var id = await database.AddUserAsync("anna", Ct);
        var anna = await node.StartSessionAsync(id, Ct);
        var adminRole = await database.ReadAsync<long>("SELECT id FROM roles WHERE name = 'admin'", Ct);
        await Eventually.TrueAsync(async () => await CountAsync(database, "authn_login_success") == 1, TimeSpan.FromSeconds(20));
        await database.ExecuteAsync("ALTER TABLE audit_events RENAME TO elsewhere", Ct);
        var before = await StateAsync(database);

        (string Name, Func<Task<HttpResponseMessage>> Call)[] changes =
        [
            ("deactivate", () => administrator.SendAsync(HttpMethod.Post, $"/api/v1/users/{id}/deactivate", body: null, Ct)),
            ("delete", () => administrator.SendAsync(HttpMethod.Delete, $"/api/v1/users/{id}", body: null, Ct)),
            ("update", () => administrator.SendAsync(HttpMethod.Patch, $"/api/v1/users/{id}", new UpdateUserRequest { DisplayName = "x" }, Ct)),
            ("create", () => administrator.SendAsync(HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "berta@example.com", Username = "berta" }, Ct)),
            ("grant", () => administrator.SendAsync(HttpMethod.Put, $"/api/v1/users/{id}/roles/{adminRole}", body: null, Ct)),
            ("create role", () => administrator.SendAsync(HttpMethod.Post, "/api/v1/roles", new CreateRoleRequest { Name = "clerk" }, Ct)),
            ("register", () => node.Http.RegisterAsync("carla", Account.StandardPassword, Ct)),
            ("change password", () => anna.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change",
                new ChangePasswordRequest { CurrentPassword = Account.StandardPassword, NewPassword = "a red kettle on no stove" }, Ct)),
            ("log out", () => anna.SendAsync(HttpMethod.Post, "/api/v1/auth/logout", body: null, Ct)),
            ("log out everywhere", () => anna.SendAsync(HttpMethod.Post, "/api/v1/auth/logout-all", body: null, Ct)),
        ];
        foreach (var (name, call) in changes)
        {
            using var answer = await call();
            Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{name}: {answer.StatusCode}");
            Assert.Equal("http.unavailable", (await answer.ProblemAsync(Ct)).Code);
        }

        Assert.Equal(before, await StateAsync(database));
        await Assert.ThrowsAsync<PostgresException>(() => node.Services.GetRequiredService<RotateSigningKey>().ExecuteAsync(Caller.CommandLine, Ct));

        // Log-in and refresh don't wait for the trail; their events come when it is back.
        var tokens = await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        await node.Http.RefreshAsync(tokens.RefreshToken, Ct).TokensAsync(Ct);
        await database.ExecuteAsync("ALTER TABLE elsewhere RENAME TO audit_events", Ct);
        await Eventually.TrueAsync(async () => (await CountAsync(database, "authn_login_success"), await CountAsync(database, "session_renewed")) == (2L, 1L), TimeSpan.FromSeconds(20));
        Assert.Equal(HttpStatusCode.NoContent, await changes[0].Call().StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(anna.Tokens.AccessToken, Ct));
    }

    // Where a data source's first connection takes long, those that wait behind it fail with a TimeoutException, and no NpgsqlException around it; so does
    // one whose DNS is slow. Catch NpgsqlException alone in AuditTrail.WriteAsync, and the trail ends there with what it holds.
    [Fact]
    public async Task Events_outlive_a_connection_that_timed_out_before_it_was_one()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var db = NpgsqlDataSource.Create($"{database.ConnectionString};Timeout=1");
        var log = new RecordedLog();
        using var loggers = LoggerFactory.Create(b => b.AddProvider(log.AsProvider()));
        using var trail = new AuditTrail(new AuditOptions(), db, TimeProvider.System, loggers.CreateLogger<AuditTrail>());
        await FirstConnection(db).WaitAsync(Ct);
        await trail.StartAsync(Ct);
        await Eventually.TrueAsync(() => trail.ExecuteTask!.IsCompleted || log.Count("LogRetry") > 0, TimeSpan.FromSeconds(20));
        FirstConnection(db).Release();

        await trail.StopAsync(Ct);
        Assert.Equal((1L, 1L), (await CountAsync(database, "sys_startup"), await CountAsync(database, "sys_shutdown")));
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_setupMappingsSemaphore")]
    private static extern ref SemaphoreSlim FirstConnection(NpgsqlDataSource source);

    private Task<long> CountAsync(TestDatabase database, string type) =>
        database.ReadAsync<long>($"SELECT count(*) FROM audit_events WHERE type = '{type}'", Ct);

    private Task<string> StateAsync(TestDatabase database) => database.ReadAsync<string>(
        """
        SELECT concat_ws(E'\n', (SELECT string_agg(row_to_json(u)::text, E'\n' ORDER BY id) FROM users u),
                                (SELECT string_agg(row_to_json(s)::text, E'\n' ORDER BY id) FROM sessions s),
                                (SELECT string_agg(row_to_json(r)::text, E'\n' ORDER BY id) FROM roles r),
                                (SELECT string_agg(row_to_json(g)::text, E'\n' ORDER BY user_id, role_id) FROM user_roles g))
        """, Ct);
}
