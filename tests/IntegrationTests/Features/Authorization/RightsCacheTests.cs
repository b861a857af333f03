using System.Net;
using AuthService.Client;
using SolidCache;

namespace IntegrationTests.Features.Authorization;

/// <summary>Rights come from memory, and what was taken is taken at once, on every node.</summary>
public class RightsCacheTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task A_check_asked_again_runs_no_statement_and_says_that_memory_answered()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (reader, anna) = (await node.AddAccountAsync("reader", Ct, "users:read"), await node.AddAccountAsync("anna", Ct, "roles:read"));
        await node.SettleAsync();
        await CheckAsync(reader, anna.Id, "roles:read");

        var statements = await Statements.CountAsync(database, async () =>
        {
            for (var i = 0; i < 20; i++) Assert.Equal((true, "memory"), await CheckAsync(reader, anna.Id, "roles:read"));
        }, Ct);
        Assert.Empty(statements);
    }

    // Without PermissionCache:Enabled nothing is remembered: the control of the test above.
    [Fact]
    public async Task Switched_off_every_check_asks_the_database()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("PermissionCache:Enabled", "false"));
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await CheckAsync(reader, reader.Id, "users:read");
        var statements = await Statements.CountAsync(database, async () =>
        {
            for (var i = 0; i < 5; i++) Assert.Equal((true, "database"), await CheckAsync(reader, reader.Id, "users:read"));
        }, Ct);
        Assert.Equal(5, statements["Authorization/Rights.load_role_ids"]);
    }

    // T30 in small, each way to take a right away: the other node, which has answered yes a moment ago, says no to the first question after the
    // answer. Without the barrier in Changes (return before BarrierAsync) every row fails.
    [Theory]
    [InlineData("revoke")]
    [InlineData("permission out of role")]
    [InlineData("role deleted")]
    [InlineData("permission deleted")]
    [InlineData("deactivate")]
    [InlineData("delete")]
    public async Task What_was_taken_on_one_node_is_refused_by_the_other_from_the_answer_on(string way)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        var admin = await one.AddAdministratorAsync("root", Ct);
        for (var round = 0; round < 8; round++)
        {
            var permission = await database.AddPermissionAsync($"thing{round}", "read", Ct);
            await database.ExecuteSqlAsync("INSERT INTO role_permissions SELECT id, $1 FROM roles WHERE name = 'admin'", Ct, permission);
            var user = await database.AddRightlessUserAsync($"anna{round}", Ct);
            var role = await database.AddRoleAsync($"holder{round}", Ct, $"thing{round}:read");
            await database.GrantAsync(user, role, Ct);
            await one.Services.GetRequiredService<TieredCache>().ConfirmAsync(["catalog"], Ct);
            await Eventually.TrueAsync(async () => (await CheckAsync(admin, user, $"thing{round}:read", two)).Allowed, TimeSpan.FromSeconds(5));

            var (method, path) = way switch
            {
                "revoke" => (HttpMethod.Delete, $"/api/v1/users/{user}/roles/{role}"),
                "permission out of role" => (HttpMethod.Delete, $"/api/v1/roles/{role}/permissions/{permission}"),
                "role deleted" => (HttpMethod.Delete, $"/api/v1/roles/{role}"),
                "permission deleted" => (HttpMethod.Delete, $"/api/v1/permissions/{permission}"),
                "deactivate" => (HttpMethod.Post, $"/api/v1/users/{user}/deactivate"),
                _ => (HttpMethod.Delete, $"/api/v1/users/{user}"),
            };
            using (var taken = await admin.SendAsync(method, path, body: null, Ct)) Assert.Equal(HttpStatusCode.NoContent, taken.StatusCode);
            Assert.False((await CheckAsync(admin, user, $"thing{round}:read", two)).Allowed);
            Assert.False((await CheckAsync(admin, user, $"thing{round}:read", one)).Allowed);
        }
    }

    // A retry of a call whose answer got lost: it finds nothing to do, and waits all the same.
    [Fact]
    public async Task A_revocation_that_finds_nothing_to_revoke_names_the_revision_of_the_one_that_did()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var (user, role) = (await database.AddRightlessUserAsync("anna", Ct), await database.AddRoleAsync("holder", Ct, "roles:read"));
        await database.GrantAsync(user, role, Ct);
        var first = await RevisionOfAsync(admin, HttpMethod.Delete, $"/api/v1/users/{user}/roles/{role}");
        Assert.Equal(first, await RevisionOfAsync(admin, HttpMethod.Delete, $"/api/v1/users/{user}/roles/{role}"));
        Assert.NotNull(first);
    }

    // With psql: nobody waits, and every node hears of it all the same. Drop a trigger of 0007_invalidation.sql and its row fails.
    [Theory]
    [InlineData("DELETE FROM user_roles WHERE user_id = $1")]
    [InlineData("UPDATE user_roles SET role_id = (SELECT id FROM roles WHERE name = 'user') WHERE user_id = $1")]
    [InlineData("UPDATE users SET is_active = false WHERE id = $1")]
    [InlineData("UPDATE users SET deleted_at = now() WHERE id = $1")]
    [InlineData("DELETE FROM users WHERE id = $1")]
    [InlineData("DELETE FROM role_permissions rp USING roles r WHERE r.id = rp.role_id AND r.name = 'only-anna' AND $1 > 0")]
    [InlineData("UPDATE role_permissions rp SET permission_id = (SELECT id FROM permissions WHERE resource = 'audit') FROM roles r WHERE r.id = rp.role_id AND r.name = 'only-anna' AND $1 > 0")]
    [InlineData("DELETE FROM roles WHERE name = 'only-anna' AND $1 > 0")]
    [InlineData("UPDATE permissions SET action = 'peruse' WHERE resource = 'roles' AND action = 'read' AND $1 > 0")]
    [InlineData("DELETE FROM permissions WHERE resource = 'roles' AND action = 'read' AND $1 > 0")]
    [InlineData("TRUNCATE user_roles")]
    [InlineData("TRUNCATE role_permissions")]
    public async Task A_change_made_with_psql_is_learnt_like_any_other(string sql)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (reader, anna) = (await node.AddAdministratorAsync("reader", Ct), await node.AddAccountAsync("anna", Ct, "roles:read"));
        var rights = node.Services.GetRequiredService<AuthService.Features.Authorization.Rights>();
        Assert.True((await CheckAsync(reader, anna.Id, "roles:read")).Allowed);
        if (sql.Contains("$1", StringComparison.Ordinal)) await database.ExecuteSqlAsync(sql, Ct, anna.Id);
        else await database.ExecuteSqlAsync(sql, Ct);
        await Eventually.TrueAsync(async () => !(await rights.OfAsync(anna.Id, Ct)).Allow("roles:read"), TimeSpan.FromSeconds(5));
    }

    // What does not change rights leaves them where they are: the check that follows runs no statement for them.
    [Theory]
    [InlineData("profile edit")]
    [InlineData("password change")]
    [InlineData("log-in")]
    [InlineData("log-out of another session")]
    [InlineData("refresh")]
    public async Task What_changes_no_rights_leaves_them_in_memory(string what)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        var anna = await node.CreateUserAsync("anna", Ct);
        var other = await node.SignInAsync("anna@example.com", Account.StandardPassword, Ct);
        var rights = node.Services.GetRequiredService<AuthService.Features.Authorization.Rights>();
        await node.SettleAsync();
        await CheckAsync(reader, anna.Id, "roles:read");

        using var answer = what switch
        {
            "profile edit" => await anna.SendAsync(HttpMethod.Patch, "/api/v1/users/profile", new UpdateProfileRequest { DisplayName = "Anna B." }, Ct),
            "password change" => await anna.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change",
                new ChangePasswordRequest { CurrentPassword = Account.StandardPassword, NewPassword = "another kettle on a red stove" }, Ct),
            "log-in" => await node.Http.PostAsJsonAsync("/api/v1/auth/login", new LoginRequest { Email = "anna@example.com", Password = Account.StandardPassword }, WireJson.Default.LoginRequest, Ct),
            "log-out of another session" => await other.SendAsync(HttpMethod.Post, "/api/v1/auth/logout", body: null, Ct),
            _ => await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct),
        };
        answer.EnsureSuccessStatusCode();
        // The node has asked what became invalid since.
        await node.SettleAsync();
        Assert.Equal((false, "memory"), await CheckAsync(reader, anna.Id, "roles:read"));
    }

    // T34. Without the lease the node would go on saying yes for as long as it lives.
    [Fact]
    public async Task A_node_that_has_lost_the_database_for_longer_than_its_lease_says_503_and_never_yes()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Freshness:Lease", "00:00:00.500"));
        var anna = await node.AddAccountAsync("anna", Ct, "roles:read");
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync(anna));
        await database.SetReachableAsync(false, Ct);
        await Eventually.TrueAsync(async () => await ForwardAsync(anna) == HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(10));
        for (var i = 0; i < 20; i++) Assert.Equal(HttpStatusCode.ServiceUnavailable, await ForwardAsync(anna));
        await database.SetReachableAsync(true, Ct);
        await Eventually.TrueAsync(async () => await ForwardAsync(anna) == HttpStatusCode.OK, TimeSpan.FromSeconds(20));
    }

    // T32, clock steps of an hour: a lease is measured by a clock that nobody sets. Without "now < lease.EndsAt" in FreshnessState.Holds the node whose
    // clock was set back goes on saying yes; set forward, it asks anew and is as fresh as ever.
    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task Setting_the_clock_makes_no_answer_stale(int hours)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var clock = new SteppedClock();
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(
            database, Ct, one.MasterKey, services => services.AddSingleton<TimeProvider>(clock), ("Freshness:Lease", "00:00:00.500"));
        var (admin, anna) = (await one.AddAdministratorAsync("root", Ct), await one.AddAccountAsync("anna", Ct, "roles:read"));
        var (rights, role) = (two.Services.GetRequiredService<AuthService.Features.Authorization.Rights>(), await database.RoleIdAsync("only-anna", Ct));
        Assert.True((await rights.OfAsync(anna.Id, Ct)).Allow("roles:read"));

        clock.Set(TimeSpan.FromHours(hours));
        for (var round = 0; round < 5; round++)
        {
            using (var taken = await admin.SendAsync(HttpMethod.Delete, $"/api/v1/users/{anna.Id}/roles/{role}", body: null, Ct)) taken.EnsureSuccessStatusCode();
            Assert.False((await rights.OfAsync(anna.Id, Ct)).Allow("roles:read"));
            using (var given = await admin.SendAsync(HttpMethod.Put, $"/api/v1/users/{anna.Id}/roles/{role}", body: null, Ct)) given.EnsureSuccessStatusCode();
            Assert.True((await rights.OfAsync(anna.Id, Ct)).Allow("roles:read"));
        }

        // Out of reach of the database, and its clock set once more.
        await database.SetReachableAsync(false, Ct);
        clock.Set(TimeSpan.FromHours(hours));
        await Eventually.TrueAsync(() => rights.OfMemory(anna.Id) is null, TimeSpan.FromSeconds(10));
        await database.SetReachableAsync(true, Ct);
    }

    // T35. One bump, however many hold the role.
    [Fact]
    public async Task An_edit_of_a_role_touches_no_more_when_more_hold_it()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var counts = new List<(long Rows, long Tags)>();
        foreach (var holders in new[] { 1, 100, 10_000 })
        {
            var role = await database.AddRoleAsync($"of{holders}", Ct, "roles:read");
            await database.ExecuteSqlAsync("WITH u AS (INSERT INTO users (email, username, password_hash) SELECT n || 'of' || $1 || '@example.com', n || 'of' || $1, 'none' FROM generate_series(1, $1) n RETURNING id) INSERT INTO user_roles (user_id, role_id) SELECT id, $2 FROM u", Ct, holders, role);
            var before = await LogAsync();
            using (var taken = await admin.SendAsync(HttpMethod.Delete, $"/api/v1/roles/{role}/permissions/{await database.PermissionIdAsync("roles:read", Ct)}", body: null, Ct))
                Assert.Equal(HttpStatusCode.NoContent, taken.StatusCode);
            var after = await LogAsync();
            counts.Add((after.Rows - before.Rows, after.Tags - before.Tags));
        }

        Assert.All(counts, count => Assert.Equal((1, 1), count));

        async Task<(long Rows, long Tags)> LogAsync() => (
            await database.ReadSqlAsync<long>("SELECT count(*) FROM solid_cache.solid_cache_invalidations", Ct),
            await database.ReadSqlAsync<long>("SELECT coalesce(sum(cardinality(tag_hashes)), 0)::bigint FROM solid_cache.solid_cache_invalidations", Ct));
    }

    // T38. A node that has not heard yet answers from the newer state when it is shown the revision; what is no revision is refused.
    [Fact]
    public async Task With_the_revision_of_a_change_any_node_answers_from_after_it()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey, settings: [("Freshness:PollInterval", "00:00:00.500")]);
        var admin = await one.AddAdministratorAsync("root", Ct);
        var anna = await one.AddAccountAsync("anna", Ct, "roles:read");
        var role = await database.RoleIdAsync("only-anna", Ct);
        for (var round = 0; round < 10; round++)
        {
            Assert.True((await CheckAsync(admin, anna.Id, "roles:read", two)).Allowed);
            // Not waited for: the other node may or may not have heard.
            var revision = await RevisionOfAsync(admin, HttpMethod.Delete, $"/api/v1/users/{anna.Id}/roles/{role}", early: true);
            Assert.False((await CheckAsync(admin, anna.Id, "roles:read", two, atLeast: revision)).Allowed);
            using var forward = new HttpRequestMessage(HttpMethod.Get, "/api/v1/authz/forward?permission=roles:read");
            forward.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", anna.Tokens.AccessToken);
            forward.Headers.Add("Authz-Revision", revision);
            using var refused = await two.Http.SendAsync(forward, Ct);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            revision = await RevisionOfAsync(admin, HttpMethod.Put, $"/api/v1/users/{anna.Id}/roles/{role}", early: true);
            Assert.True((await CheckAsync(admin, anna.Id, "roles:read", two, atLeast: revision)).Allowed);
        }

        foreach (var forged in new[] { "", "AAAA", new string('A', 60), "not base64 ✗" })
        {
            using var answer = await admin.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new CheckRequest { Permission = "users:read", AtLeast = forged }, Ct);
            Assert.Equal("authz.revision_not_valid", (await answer.ProblemAsync(Ct)).Code);
        }

        await using var elsewhere = await servers.CreateDatabaseAsync(Ct);
        await using var stranger = await Node.StartAsync(elsewhere, Ct);   // another database, another master key: another installation
        var foreign = stranger.Services.GetRequiredService<TieredCache>().TokenOf(stranger.Services.GetRequiredService<TieredCache>().KnownRevision("catalog"));
        using var refusal = await admin.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new CheckRequest { Permission = "users:read", AtLeast = foreign }, Ct);
        Assert.Equal("authz.revision_not_valid", (await refusal.ProblemAsync(Ct)).Code);
    }

    // With consistency "full" the database is asked, so not even a change that nobody has heard of is missed.
    [Fact]
    public async Task A_check_of_full_consistency_sees_what_was_committed_a_moment_ago()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Freshness:PollInterval", "00:00:00.500"), ("Freshness:Lease", "00:00:05")]);
        var (reader, anna) = (await node.AddAccountAsync("reader", Ct, "users:read"), await node.AddAccountAsync("anna", Ct, "roles:read"));
        var role = await database.RoleIdAsync("only-anna", Ct);
        for (var round = 0; round < 10; round++)
        {
            await database.ExecuteSqlAsync("DELETE FROM user_roles WHERE user_id = $1", Ct, anna.Id);
            Assert.False((await CheckAsync(reader, anna.Id, "roles:read", consistency: "full")).Allowed);
            await database.GrantAsync(anna.Id, role, Ct);
            Assert.True((await CheckAsync(reader, anna.Id, "roles:read", consistency: "full")).Allowed);
        }
    }

    [Fact]
    public async Task A_change_whose_client_does_not_wait_is_answered_202()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var (user, role) = (await database.AddRightlessUserAsync("anna", Ct), await database.AddRoleAsync("holder", Ct, "roles:read"));
        using var answer = await SendAsync(admin, HttpMethod.Put, $"/api/v1/users/{user}/roles/{role}", early: true);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.Equal("respond-async", Assert.Single(answer.Headers.GetValues("Preference-Applied")));
        Assert.True((await CheckAsync(admin, user, "roles:read")).Allowed);
        // A problem stays one.
        using var refused = await SendAsync(admin, HttpMethod.Put, $"/api/v1/users/999999/roles/{role}", early: true);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
    }

    [Fact]
    public async Task Hits_misses_and_invalidations_are_counted()
    {
        var (counts, shares) = (new System.Collections.Concurrent.ConcurrentDictionary<string, long>(StringComparer.Ordinal), new List<double>());
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (instrument, l) => { if (instrument.Meter.Name == "AuthService") l.EnableMeasurementEvents(instrument); };
        listener.SetMeasurementEventCallback<long>((instrument, count, tags, _) =>
        {
            foreach (var tag in tags) if (tag is { Key: "tier", Value: "memory" }) counts.AddOrUpdate(instrument.Name, count, (_, sum) => instrument.IsObservable ? count : sum + count);
        });
        listener.Start();
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (admin, anna) = (await node.AddAdministratorAsync("root", Ct), await node.AddAccountAsync("anna", Ct, "roles:read"));
        listener.RecordObservableInstruments();
        var before = counts.GetValueOrDefault("permissions_cache_hits");
        for (var i = 0; i < 10; i++) await CheckAsync(admin, anna.Id, "roles:read");
        listener.RecordObservableInstruments();
        // Of this process: other tests count too.
        Assert.InRange(counts["permissions_cache_hits"], before + 10, long.MaxValue);
        Assert.InRange(counts["permissions_cache_misses"], 2, long.MaxValue);
        await RevisionOfAsync(admin, HttpMethod.Delete, $"/api/v1/users/{anna.Id}/roles/{await database.RoleIdAsync("only-anna", Ct)}");
        Assert.InRange(counts["permissions_cache_invalidations"], 1, long.MaxValue);
        listener.SetMeasurementEventCallback<double>((instrument, ratio, _, _) => { if (instrument.Name == "permissions_cache_hit_ratio") shares.Add(ratio); });
        listener.RecordObservableInstruments();
        Assert.InRange(Assert.Single(shares), 0.01, 0.9999);
    }

    private async Task<string?> RevisionOfAsync(Account caller, HttpMethod method, string path, bool early = false)
    {
        using var answer = await SendAsync(caller, method, path, early);
        answer.EnsureSuccessStatusCode();
        return answer.Headers.TryGetValues("Authz-Revision", out var values) ? values.Single() : null;
    }

    private Task<HttpResponseMessage> SendAsync(Account caller, HttpMethod method, string path, bool early)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", caller.Tokens.AccessToken);
        if (early) request.Headers.Add("Prefer", "respond-async");
        return caller.Node.Http.SendAsync(request, Ct);
    }

    private async Task<(bool Allowed, string? Tier)> CheckAsync(
        Account caller, long userId, string permission, Node? on = null, string? atLeast = null, string? consistency = null)
    {
        using var answer = await caller.SendAsync(HttpMethod.Post, "/api/v1/authz/check",
            new CheckRequest { UserId = userId, Permission = permission, AtLeast = atLeast, Consistency = consistency }, Ct, on);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Ct));
        var check = (await answer.Content.ReadFromJsonAsync(WireJson.Default.CheckResponse, Ct))!;
        return (check.Allowed, answer.Headers.TryGetValues("X-Authz-Tier", out var tiers) ? tiers.Single() : null);
    }

    private async Task<HttpStatusCode> ForwardAsync(Account caller)
    {
        using var answer = await caller.SendAsync(HttpMethod.Get, "/api/v1/authz/forward?permission=roles:read", body: null, Ct);
        return answer.StatusCode;
    }
}
