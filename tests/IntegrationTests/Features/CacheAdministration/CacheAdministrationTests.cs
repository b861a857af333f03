using System.Net;
using AuthService.Client;

namespace IntegrationTests.Features.CacheAdministration;

public class CacheAdministrationTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Every form of it makes both nodes ask the database again for what it names.
    [Theory]
    [InlineData("user")]
    [InlineData("role")]
    [InlineData("tag")]
    [InlineData("prefix")]
    [InlineData("event")]
    [InlineData("all")]
    public async Task What_is_named_is_loaded_anew_on_every_node(string form)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        var admin = await one.AddAdministratorAsync("root", Ct);
        var anna = await one.AddAccountAsync("anna", Ct, "roles:read");
        var rights = two.Services.GetRequiredService<AuthService.Features.Authorization.Rights>();
        await two.SettleAsync();
        await rights.OfAsync(anna.Id, Ct);
        // Behind everybody's back: no trigger, so nobody learns of it.
        await database.ExecuteSqlAsync("ALTER TABLE user_roles DISABLE TRIGGER USER", Ct);
        await database.ExecuteSqlAsync("DELETE FROM user_roles WHERE user_id = $1", Ct, anna.Id);
        Assert.True((await rights.OfAsync(anna.Id, Ct)).Allow("roles:read"));

        var request = form switch
        {
            "user" => new InvalidateRequest { UserId = anna.Id },
            "role" => new InvalidateRequest { RoleId = await database.RoleIdAsync("only-anna", Ct) },
            "tag" => new InvalidateRequest { Tag = $"user:{anna.Id}" },
            // A sweep reaches what the node that was asked has in memory, and what is in the table.
            "prefix" => new InvalidateRequest { Prefix = "permissions:user:" },
            "event" => new InvalidateRequest { Event = $"user.roles_changed:{anna.Id}" },
            _ => new InvalidateRequest { All = true },
        };
        using (var done = await admin.SendAsync(HttpMethod.Post, "/admin/cache/invalidate", request, Ct, on: form == "prefix" ? two : one)) Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
        Assert.False((await rights.OfAsync(anna.Id, Ct)).Allow("roles:read"));
    }

    [Fact]
    public async Task A_request_that_names_nothing_or_two_things_or_what_never_happens_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        foreach (var (request, code) in new[]
        {
            (new InvalidateRequest(), "cache.not_one_target"), (new InvalidateRequest { All = false }, "cache.not_one_target"),
            (new InvalidateRequest { All = true, UserId = 1 }, "cache.not_one_target"), (new InvalidateRequest { Event = "user.sneezed:1" }, "cache.event_not_known"),
            (new InvalidateRequest { Event = "user.updated" }, "cache.event_not_known"), (new InvalidateRequest { Event = "user.updated:-1" }, "cache.event_not_known"),
            (new InvalidateRequest { Event = "session.ended:7" }, "cache.event_not_known"),
        })
        {
            using var refused = await admin.SendAsync(HttpMethod.Post, "/admin/cache/invalidate", request, Ct);
            Assert.Equal(code, (await refused.ProblemAsync(Ct)).Code);
        }
    }

    // Whoever holds the lease: let CleanUpNowAsync ask for it and nothing is deleted here. An entry that lives stays.
    [Fact]
    public async Task Expired_entries_are_counted_and_deleted_now_whichever_node_is_asked()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await database.ExecuteSqlAsync(
            """
            INSERT INTO solid_cache.solid_cache_leases (name, owner, expires_at) VALUES ('upkeep', gen_random_uuid(), now() + interval '1 h')
            ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
            """, Ct);
        await database.ExecuteSqlAsync("DELETE FROM solid_cache.solid_cache_entries", Ct);
        await database.ExecuteSqlAsync(
            """
            INSERT INTO solid_cache.solid_cache_entries (key_hash, key, value, created_at, expires_at, byte_size)
            SELECT n, 'key ' || n, '', now(), now() + interval '1 h' * (CASE WHEN n > 25000 THEN 1 ELSE -1 END), 896 FROM generate_series(1, 25004) n
            """, Ct);
        Assert.Equal((25_004, 25_000), await FiguresAsync());
        using (var cleaned = await admin.SendAsync(HttpMethod.Post, "/admin/cache/cleanup", body: null, Ct))
            Assert.Equal(new CleanUpResult(25_000, Complete: true), await cleaned.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(WireJson.Default.CleanUpResult, Ct));
        Assert.Equal((4, 0), await FiguresAsync());
        await Eventually.TrueAsync(async () => await database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events WHERE reason = 'cleanup'", Ct) == 1, TimeSpan.FromSeconds(20));

        async Task<(long, long)> FiguresAsync()
        {
            var figures = await admin.GetAsync("/metrics/solid-cache", WireJson.Default.SolidCacheFigures, Ct);
            Assert.Equal(Math.Round(figures.TotalSizeBytes / 1024.0, 1), figures.TotalSizeKb);
            Assert.InRange(figures.TotalSizeBytes, figures.TotalEntries * 1024, figures.TotalEntries * 1040);
            return (figures.TotalEntries, figures.ExpiredEntries);
        }
    }

    // T37. The control: a right changed behind the triggers' back is a difference, and is named.
    [Fact]
    public async Task Memory_and_database_are_compared()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (admin, anna) = await AddAccountsInMemoryAsync(node);
        var same = await VerifyAsync(admin);
        Assert.Equal(0, same.Different);
        Assert.InRange(same.Compared, 2, 100);

        await database.ExecuteSqlAsync("ALTER TABLE user_roles DISABLE TRIGGER USER", Ct);
        await database.ExecuteSqlAsync("DELETE FROM user_roles WHERE user_id = $1", Ct, anna.Id);
        Assert.Equal([anna.Id], (await VerifyAsync(admin)).Examples);
    }

    // The change is in the table of versions, where whoever asks would learn of it, but not in the log, so the node can't have. With a question for
    // the versions before the second look (ConfirmAsync in CompareRights) the node is cured by the examination, and "0 different" is said.
    [Fact]
    public async Task A_node_that_has_missed_an_invalidation_is_not_cured_by_being_examined()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (admin, anna) = await AddAccountsInMemoryAsync(node);
        await database.ExecuteSqlAsync("CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", Ct);
        await database.ExecuteSqlAsync("CREATE TRIGGER forget BEFORE INSERT ON solid_cache.solid_cache_invalidations FOR EACH ROW EXECUTE FUNCTION forget()", Ct);
        await database.ExecuteSqlAsync("DELETE FROM user_roles WHERE user_id = $1", Ct, anna.Id);
        Assert.Equal([anna.Id], (await VerifyAsync(admin)).Examples);
    }

    // Changes that are under way are no differences: also when every look meets one.
    [Fact]
    public async Task Changes_on_their_way_are_no_difference()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var (user, role) = (await database.AddRightlessUserAsync("anna", Ct), await database.AddRoleAsync("holder", Ct, "roles:read"));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var changing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await database.GrantAsync(user, role, Ct);
                await CheckAsync();
                await database.ExecuteSqlAsync("DELETE FROM user_roles WHERE user_id = $1", Ct, user);
                await CheckAsync();
            }
        }, Ct);
        for (var i = 0; i < 50; i++) Assert.Equal(0, (await VerifyAsync(admin)).Different);
        await stop.CancelAsync();
        await changing;

        async Task CheckAsync()
        {
            using var answer = await admin.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new CheckRequest { UserId = user, Permission = "roles:read" }, Ct);
            answer.EnsureSuccessStatusCode();
        }
    }

    [Fact]
    public async Task An_answer_is_explained_by_the_roles_it_comes_through()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (reader, anna) = (await node.AddAccountAsync("reader", Ct, "users:read"), await node.AddAccountAsync("anna", Ct, "roles:read"));
        var role = await database.RoleIdAsync("only-anna", Ct);

        await node.SettleAsync();
        await ExplainAsync(reader, anna.Id, "roles:read");
        var yes = await ExplainAsync(reader, anna.Id, "roles:read");
        Assert.Equal((true, true, "memory"), (yes.Allowed, yes.PermissionIsKnown, yes.Tier));
        Assert.Equal([new PermissionPath(role, "only-anna", "roles:read")], yes.Paths);
        Assert.NotNull(yes.AgeSeconds);
        var no = await ExplainAsync(reader, anna.Id, "no:such");
        Assert.Equal((false, false, 0), (no.Allowed, no.PermissionIsKnown, no.Paths.Count));
        Assert.Equal(["only-anna"], no.Roles);

        using var curious = await anna.SendAsync(HttpMethod.Post, "/api/v1/authz/explain", new ExplainRequest { UserId = anna.Id, Permission = "roles:read" }, Ct);
        Assert.Equal(HttpStatusCode.Forbidden, curious.StatusCode);
    }

    // Lists are one answer for all who may ask, until roles or permissions change.
    [Theory]
    [InlineData("/api/v1/roles")]
    [InlineData("/api/v1/permissions?limit=5")]
    [InlineData("/api/v1/roles?limit=1&sort=-id&count=none")]
    [InlineData("/api/v1/permissions?limit=1&sort=-id")]
    public async Task A_list_is_kept_until_it_changes_and_a_client_that_has_it_is_told_so(string path)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (admin, nobody) = (await node.AddAdministratorAsync("root", Ct), await node.AddAccountAsync("nobody", Ct));
        await node.SettleAsync();   // until the node has heard of its own accounts, what it is asked about is let go of again
        using var first = await admin.SendAsync(HttpMethod.Get, path, body: null, Ct);
        var (tag, body) = (first.Headers.ETag!.ToString(), await first.Content.ReadAsStringAsync(Ct));
        Assert.Empty(await Statements.CountAsync(database, async () =>
        {
            using var again = await admin.SendAsync(HttpMethod.Get, path, body: null, Ct);
            Assert.Equal(body, await again.Content.ReadAsStringAsync(Ct));
            Assert.Equal(first.Content.Headers.ContentType, again.Content.Headers.ContentType);
            using var known = await GetAsync(admin, path, tag);
            Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
            Assert.Empty(await known.Content.ReadAsByteArrayAsync(Ct));
        }, Ct));

        // Kept or not, who may not ask gets nothing.
        using (var refused = await nobody.SendAsync(HttpMethod.Get, path, body: null, Ct)) Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

        using (var made = await admin.SendAsync(HttpMethod.Post, "/api/v1/roles", new CreateRoleRequest { Name = "aaa" }, Ct)) Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        using (var added = await admin.SendAsync(HttpMethod.Post, "/api/v1/permissions", new CreatePermissionRequest { Resource = "aaa", Action = "read" }, Ct)) Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        using var changed = await GetAsync(admin, path, tag);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Contains("\"aaa", await changed.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ones_own_rights_have_a_tag_that_changes_with_them()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (admin, anna) = (await node.AddAdministratorAsync("root", Ct), await node.AddAccountAsync("anna", Ct, "roles:read"));
        using var first = await anna.SendAsync(HttpMethod.Get, "/api/v1/me/permissions", body: null, Ct);
        var tag = first.Headers.ETag!.ToString();
        using (var known = await GetAsync(anna, "/api/v1/me/permissions", tag)) Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
        using (await admin.SendAsync(HttpMethod.Delete, $"/api/v1/users/{anna.Id}/roles/{await database.RoleIdAsync("only-anna", Ct)}", body: null, Ct))
        using (var changed = await GetAsync(anna, "/api/v1/me/permissions", tag)) Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
    }

    private Task<HttpResponseMessage> GetAsync(Account caller, string path, string tag)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", caller.Tokens.AccessToken);
        request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        return caller.Node.Http.SendAsync(request, Ct);
    }

    /// <summary>An administrator, and somebody with the right <c>roles:read</c>, both of whom the node has just been asked about.</summary>
    private async Task<(Account Admin, Account Anna)> AddAccountsInMemoryAsync(Node node)
    {
        var (admin, anna) = (await node.AddAdministratorAsync("root", Ct), await node.AddAccountAsync("anna", Ct, "roles:read"));
        await node.SettleAsync();
        foreach (var account in new[] { admin, anna }) (await account.SendAsync(HttpMethod.Get, "/api/v1/me/permissions", body: null, Ct)).Dispose();
        return (admin, anna);
    }

    private async Task<CacheComparison> VerifyAsync(Account caller)
    {
        using var answer = await caller.SendAsync(HttpMethod.Post, "/admin/cache/verify", body: null, Ct);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.CacheComparison, Ct))!;
    }

    private async Task<ExplainResponse> ExplainAsync(Account caller, long userId, string permission)
    {
        using var answer = await caller.SendAsync(HttpMethod.Post, "/api/v1/authz/explain", new ExplainRequest { UserId = userId, Permission = permission }, Ct);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.ExplainResponse, Ct))!;
    }
}
