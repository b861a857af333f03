using System.Collections.Concurrent;
using System.Net;
using AuthService.Client;
using AuthService.Features.Events;
using AuthService.Http;
using IntegrationTests.SolidCache.Freshness;
using Npgsql;

namespace IntegrationTests.Features.Events;

/// <summary>The stream of changes to who may do what.</summary>
public class ListenToChangesTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private CancellationToken Ct => servers.TestTimeout;

    // Every kind, by HTTP and by SQL. Drop a trigger of 0011_authz_changes.sql or 0018_account_changes.sql and its kind is missing here; ask users_changed() for nothing but whether the row is another
    // one, and a log-in is told.
    [Fact]
    public async Task Whoever_changes_who_may_do_what_listeners_are_told()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var listener = await node.AddAccountAsync("listener", Ct, "audit:read");
        var admin = await node.AddAdministratorAsync("root", Ct);
        var role = await database.AddRoleAsync("editor", Ct);
        await using var stream = await ChangeStream.OpenAsync(listener, Ct);
        Assert.Equal(HttpStatusCode.NoContent, await admin.SendAsync(HttpMethod.Put, $"/api/v1/users/{listener.Id}/roles/{role}", body: null, Ct).StatusAsync());
        var (kind, data) = await stream.ChangeAsync();
        Assert.Equal(("role.granted", listener.Id, role, "editor"), (kind, data.GetProperty("user_id").GetInt64(), data.GetProperty("role_id").GetInt64(), data.GetProperty("name").GetString()));
        Assert.False(data.TryGetProperty("permission_id", out _));
        Assert.InRange(data.GetProperty("at").GetDateTimeOffset(), DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue);
        Assert.Equal(HttpStatusCode.NoContent, await admin.SendAsync(HttpMethod.Delete, $"/api/v1/users/{listener.Id}/roles/{role}", body: null, Ct).StatusAsync());
        Assert.Equal("role.revoked", (await stream.ChangeAsync()).Kind);

        var other = await database.AddRightlessUserAsync("other", Ct);
        Assert.Equal("user.created", (await stream.ChangeAsync()).Kind);
        var steps = new (string Sql, string[] Kinds)[]
        {
            ($"UPDATE users SET is_active = false WHERE id = {other}", ["user.deactivated"]),
            ($"UPDATE users SET is_active = true WHERE id = {other}", ["user.activated"]),
            ($"UPDATE users SET last_login_at = now(), password_hash = 'x' WHERE id = {other}", []),   // a log-in that makes the hash a stronger one
            ($"UPDATE users SET display_name = 'y' WHERE id = {other}", ["user.updated"]),
            ($"UPDATE users SET email_verified = NOT email_verified WHERE id = {other}", ["user.updated"]),
            ($"UPDATE users SET password_hash = 'y' WHERE id = {other}", ["user.password_changed"]),
            ($"UPDATE users SET password_hash = 'z', is_active = false, username = 'another' WHERE id = {other}", ["user.deactivated", "user.updated", "user.password_changed"]),
            ($"UPDATE users SET is_active = true WHERE id = {other}", ["user.activated"]),
            ("INSERT INTO users (email, username, password_hash) SELECT 'm' || n || '@example.com', 'm' || n, 'x' FROM generate_series(1, 2) n", ["user.created", "user.created"]),
            ("INSERT INTO users (email, username, password_hash) SELECT 'n' || n || '@example.com', 'n' || n, 'x' FROM generate_series(1, 1001) n", ["users.changed"]),
            ("UPDATE users SET display_name = 'many' WHERE username LIKE 'n%'", ["users.changed"]),
            ($"UPDATE users SET deleted_at = now(), is_active = false WHERE id = {other}", ["user.deleted"]),
            ($"DELETE FROM users WHERE id = {other}", []),   // told already
            ("INSERT INTO roles (name) VALUES ('made')", ["role.created"]),
            ("UPDATE roles SET name = 'renamed' WHERE name = 'made'", ["role.updated"]),
            ("UPDATE roles SET name = name", []),
            ("INSERT INTO permissions (resource, action) VALUES ('things', 'read')", ["permission.created"]),
            ("UPDATE permissions SET action = 'see' WHERE resource = 'things'", ["permission.updated"]),
            ("INSERT INTO role_permissions SELECT r.id, p.id FROM roles r, permissions p WHERE r.name = 'renamed' AND p.resource = 'things'", ["role.permission_added"]),
            ("UPDATE role_permissions SET permission_id = (SELECT id FROM permissions WHERE resource = 'audit') WHERE permission_id = (SELECT id FROM permissions WHERE resource = 'things')", ["role.permission_removed", "role.permission_added"]),
            ("DELETE FROM permissions WHERE resource = 'things'", ["permission.deleted"]),
            ($"UPDATE user_roles SET role_id = (SELECT id FROM roles WHERE name = 'renamed') WHERE user_id = {admin.Id}", ["role.revoked", "role.granted"]),
            // The rows that go with it are changes of their own, in the order in which the server takes them.
            ("DELETE FROM roles WHERE name = 'renamed'", ["role.deleted", "role.permission_removed", "role.revoked"]),
            ("SET session_replication_role = replica; INSERT INTO roles (name) VALUES ('replicated'); RESET session_replication_role", ["role.created"]),
            ("INSERT INTO roles (name) SELECT 'many' || n FROM generate_series(1, 1000) n", [.. Enumerable.Repeat("role.created", 1000)]),
            ("INSERT INTO roles (name) SELECT 'more' || n FROM generate_series(1, 1001) n", ["roles.changed"]),
        };
        foreach (var (sql, kinds) in steps)
        {
            await database.ExecuteAsync(sql, Ct);
            var got = new List<string>();
            for (var i = 0; i < kinds.Length; i++) got.Add((await stream.ChangeAsync()).Kind);
            Assert.Equal(kinds.Order(), got.Order());
        }

        // Of all permissions, that to listen among them.
        await database.ExecuteAsync("TRUNCATE permissions CASCADE", Ct);
        Assert.Equal(2, await database.ReadAsync<long>("SELECT count(*) FROM authz_changes WHERE kind = 'roles.changed' AND id > (SELECT max(id) - 2 FROM authz_changes)", Ct));
        Assert.Null(await stream.NextAsync());
    }

    // By those who own an account and those who administer it. Leave "told" out of RefreshSession.end_reused.sql, and the last one is missing.
    [Fact]
    public async Task Whatever_happens_to_an_account_listeners_are_told()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Sessions:RefreshGrace", "00:00:00"));
        var listener = await node.AddAccountAsync("listener", Ct, "audit:read");
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var stream = await ChangeStream.OpenAsync(listener, Ct);
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct).StatusAsync());
        var (kind, data) = await stream.ChangeAsync();
        var id = data.GetProperty("user_id").GetInt64();
        Assert.Equal(("user.created", await database.ReadAsync<long>("SELECT id FROM users WHERE username = 'anna'", Ct)), (kind, id));
        // What a new account is granted by default.
        for (var roles = await database.ReadAsync<long>($"SELECT count(*) FROM user_roles WHERE user_id = {id}", Ct); roles > 0; roles--) Assert.Equal("role.granted", (await stream.ChangeAsync()).Kind);

        // Neither a log-in nor a refresh is any of these.
        var tokens = await node.Http.LogInAsync("anna@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        var next = await node.Http.RefreshAsync(tokens.RefreshToken, Ct).TokensAsync(Ct);
        await node.Http.RefreshAsync(next.RefreshToken, Ct).TokensAsync(Ct);
        Assert.Equal(HttpStatusCode.OK, await admin.SendAsync(HttpMethod.Patch, $"/api/v1/users/{id}", new UpdateUserRequest { DisplayName = "Anna" }, Ct).StatusAsync());
        Assert.Equal("user.updated", (await stream.ChangeAsync()).Kind);
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(tokens.RefreshToken, Ct).StatusAsync());
        (kind, data) = await stream.ChangeAsync();
        Assert.Equal(("session.reuse_detected", id), (kind, data.GetProperty("user_id").GetInt64()));
        Assert.Equal(await database.ReadAsync<Guid>("SELECT id FROM sessions WHERE revoked_reason = 'token_reuse'", Ct), data.GetProperty("session_id").GetGuid());
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(tokens.RefreshToken, Ct).StatusAsync());   // once
        tokens = await node.Http.LogInAsync("anna@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        using var change = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/password/change")
        {
            Content = JsonContent.Create(new ChangePasswordRequest { CurrentPassword = Account.StandardPassword, NewPassword = "a red kettle on no stove" }, WireJson.Default.ChangePasswordRequest),
            Headers = { Authorization = new("Bearer", tokens.AccessToken) },
        };
        Assert.Equal(HttpStatusCode.NoContent, await node.Http.SendAsync(change, Ct).StatusAsync());
        (kind, data) = await stream.ChangeAsync();
        Assert.Equal(("user.password_changed", id), (kind, data.GetProperty("user_id").GetInt64()));
    }

    // Many writers whose transactions overlap and don't commit in the order of their ids, some of which roll back; listeners that are cut off again and
    // again. Ask for "id > last" in ChangeFeed.poll.sql or ListenToChanges.catch_up.sql and changes are missing.
    [Fact]
    public async Task Nothing_is_missed_whatever_the_order_of_commits_and_however_often_a_listener_is_cut_off()
    {
        const int writers = 8, changes = 60;
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Events:PollInterval", "00:00:00.050")]);
        var listener = await node.AddAccountAsync("listener", Ct, "audit:read");
        var committed = new ConcurrentBag<string>();
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var began = await IdNowAsync(listener);
        await using var steady = await ChangeStream.OpenAsync(listener, Ct);
        var writing = Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
        {
            var random = new Chance(writer);
            await start.Task;
            await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
            for (var i = 0; i < changes; i++)
            {
                await using var transaction = await connection.BeginTransactionAsync(Ct);
                for (var k = 0; k < 1 + random.Next(3); k++)
                {
                    await using var insert = new NpgsqlCommand($"SAVEPOINT s; INSERT INTO roles (name) VALUES ('w{writer}-{i}-{k}'); SELECT pg_sleep({random.Next(3)} / 1000.0)", connection, transaction);
                    await insert.ExecuteNonQueryAsync(Ct);
                }

                if (random.Next(4) == 0) { await transaction.RollbackAsync(Ct); continue; }
                await transaction.CommitAsync(Ct);
                committed.Add($"w{writer}-{i}-0");
            }
        }, Ct)).ToList();

        var seenByCutOff = new ConcurrentDictionary<string, byte>();
        var cutOff = Task.Run(async () =>
        {
            var random = new Chance(42);
            var (id, patience) = (began, 30);
            while (true)
            {
                await using var stream = await ChangeStream.OpenAsync(listener, Ct, id);
                start.TrySetResult();
                // An id comes with the last of those that are sent together: who leaves before it each time would never get on.
                patience += 30;
                for (var left = 1 + random.Next(patience); left > 0; left--)
                {
                    var (_, data) = await stream.ChangeAsync();
                    var name = data.GetProperty("name").GetString()!;
                    if (name == "the end") return;
                    seenByCutOff[name] = 0;
                    if (stream.LastEventId.Length == 0 || stream.LastEventId == id) continue;
                    (id, patience) = (stream.LastEventId, 30);
                }
            }
        }, Ct);
        await Task.WhenAll(writing);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('the end')", Ct);
        await cutOff;

        var seen = new List<string>();
        for (var name = ""; name != "the end"; seen.Add(name)) name = (await steady.ChangeAsync()).Data.GetProperty("name").GetString()!;
        Assert.Equal(seen.Count, seen.Distinct().Count());   // who isn't cut off is told once
        Assert.Empty(committed.Except(seen));
        Assert.Empty(committed.Except(seenByCutOff.Keys));
        Assert.Equal(seen.Where(n => n.EndsWith("-0", StringComparison.Ordinal)).Order(), committed.Order());   // and of nothing that was rolled back
    }

    // Leave out authz_changes_pruned and the first one is told of the second role only.
    [Fact]
    public async Task Who_comes_back_too_late_or_to_another_incarnation_of_the_database_is_told_to_read_everything_again()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var listener = await node.AddAccountAsync("listener", Ct, "audit:read");
        var purge = node.Services.GetRequiredService<PurgeChanges>();
        var old = await IdNowAsync(listener);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('first')", Ct);
        // An id of a time when an older transaction is still open, of any test beside this one, can't tell that it has missed nothing of what is deleted.
        await Eventually.TrueAsync(
            () => database.ReadSqlAsync<bool>("SELECT max(xid) < pg_snapshot_xmin(pg_current_snapshot()) FROM authz_changes", Ct), TimeSpan.FromSeconds(20));
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('seen')", Ct);
        string young;
        await using (var stream = await ChangeStream.OpenAsync(listener, Ct, old))
        {
            while ((await stream.ChangeAsync()).Data.GetProperty("name").GetString() != "seen") { }
            young = stream.LastEventId;
        }

        await database.ExecuteAsync("UPDATE authz_changes SET at = at - interval '7 days 1 second' WHERE id <= (SELECT id FROM authz_changes WHERE name = 'first')", Ct);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('second')", Ct);
        Assert.NotEqual("0 deleted", await purge.RunAsync(new Progress<string>(), Ct));
        Assert.Equal("0 deleted", await purge.RunAsync(new Progress<string>(), Ct));

        Assert.Equal("expired", await ResetAsync(old));
        await using (var stream = await ChangeStream.OpenAsync(listener, Ct, young))
        {
            var (kind, data) = await stream.ChangeAsync();
            Assert.Equal(("role.created", "second"), (kind, data.GetProperty("name").GetString()));
        }

        await database.ExecuteAsync("INSERT INTO authz_changes (kind) SELECT 'role.updated' FROM generate_series(1, 10001)", Ct);
        Assert.Equal("too_many", await ResetAsync(young));

        // As after a crash of the server. A transaction number that is issued again would hide a change from who saw the number before.
        var before = await IdNowAsync(listener);
        await using var open = await ChangeStream.OpenAsync(listener, Ct);
        await database.ExecuteAsync("UPDATE solid_cache.solid_cache_incarnation SET epoch = gen_random_uuid()", Ct);
        var (type, reason) = await open.NextAsync() ?? throw new InvalidOperationException("Ended.");
        Assert.Equal(("reset", "restarted"), (type, reason.GetProperty("reason").GetString()));
        Assert.Equal("restarted", await ResetAsync(before));

        // Where one is sent to begins anew, and goes on from there.
        await using var again = await ChangeStream.OpenAsync(listener, Ct, open.LastEventId);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('third')", Ct);
        Assert.Equal("third", (await again.ChangeAsync()).Data.GetProperty("name").GetString());

        async Task<string?> ResetAsync(string id)
        {
            await using var stream = await ChangeStream.OpenAsync(listener, Ct, id);
            while (true)
            {
                var (type, data) = await stream.NextAsync() ?? throw new InvalidOperationException("Ended.");
                // Changes first, where it came back before the node had read on.
                if (type == "reset") return data.GetProperty("reason").GetString();
            }
        }
    }

    [Fact]
    public async Task An_id_that_was_never_sent_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var listener = await node.AddAccountAsync("listener", Ct, "audit:read");
        var id = await IdNowAsync(listener);
        var changed = (id[0] == 'A' ? 'B' : 'A') + id[1..];
        var elsewhere = new EventIds(new Cursors(AuthService.Tokens.MasterKey.CreateRandom())).TextOf(new FeedPlace(Guid.NewGuid(), "1:1:"))!;
        var ofAList = node.Services.GetRequiredService<Cursors>().Make("id\nusers\n\n", new Place(Way.After, "1", ""));
        foreach (var bad in new[] { changed, id[..^1], id + "A", "1:1:", "0", "'; DROP TABLE users", new string('A', 7_000), elsewhere, ofAList })
        {
            Assert.Equal("events.id_not_valid", await ChangeStream.RequestAsync(listener, bad, Ct).CodeAsync(HttpStatusCode.BadRequest, Ct));
        }

        using var anonymous = await node.Http.GetAsync(ChangeStream.Path, Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
        var other = await node.AddAccountAsync("other", Ct, "users:read", "roles:read");
        Assert.Equal(HttpStatusCode.Forbidden, await ChangeStream.RequestAsync(other, lastEventId: null, Ct).StatusAsync());
    }

    // Three ends: of the right, of the session, of the account. Check them only when the stream begins and it goes on.
    [Theory]
    [InlineData("role")]
    [InlineData("session")]
    [InlineData("account")]
    public async Task A_stream_ends_when_its_listener_may_not_listen_any_more(string end)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        // Nothing but what happens ends it; but for a log-out, which is no change of rights: there it is the heartbeat.
        await using var node = await Node.StartAsync(database, Ct, settings: [("Events:Heartbeat", end == "session" ? "00:00:00.100" : "00:05:00")]);
        var listener = await node.AddAccountAsync("listener", Ct, "audit:read");
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var stream = await ChangeStream.OpenAsync(listener, Ct);
        var call = end switch
        {
            "role" => admin.SendAsync(HttpMethod.Delete, $"/api/v1/users/{listener.Id}/roles/{await database.RoleIdAsync("only-listener", Ct)}", body: null, Ct),
            "session" => listener.SendAsync(HttpMethod.Post, "/api/v1/auth/logout", body: null, Ct),
            _ => admin.SendAsync(HttpMethod.Post, $"/api/v1/users/{listener.Id}/deactivate", body: null, Ct),
        };
        Assert.Equal(HttpStatusCode.NoContent, await call.StatusAsync());
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('secret')", Ct);
        while (await stream.NextAsync() is { } next)
        {
            // What led to the end may be told; what came after it never.
            Assert.False(next.Data.TryGetProperty("name", out var name) && name.GetString() == "secret");
        }
    }

    // Keep the place of a listener who has left and the third is refused.
    [Fact]
    public async Task A_node_takes_so_many_listeners_and_no_more_and_those_who_leave_make_room()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Events:MaxListeners", "2")]);
        var listener = await node.AddAccountAsync("listener", Ct, "audit:read");
        await using var first = await ChangeStream.OpenAsync(listener, Ct);
        await using (await ChangeStream.OpenAsync(listener, Ct))
        {
            using var refused = await ChangeStream.RequestAsync(listener, lastEventId: null, Ct);
            Assert.Equal("events.too_many_listeners", (await refused.ProblemAsync(Ct)).Code);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        await Eventually.TrueAsync(async () => await ChangeStream.RequestAsync(listener, lastEventId: null, Ct).StatusAsync() == HttpStatusCode.OK, Soon);
    }

    // Wait for ApplicationStopped instead of ApplicationStopping and it takes Http:ShutdownTimeout.
    [Fact]
    public async Task A_node_that_stops_ends_its_streams_and_who_comes_back_has_missed_nothing()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var node = await Node.StartAsync(database, Ct, settings: [("Http:ShutdownTimeout", "00:05:00")]);
        var masterKey = node.MasterKey;
        var listener = await node.AddAccountAsync("listener", Ct, "audit:read");
        var stream = await ChangeStream.OpenAsync(listener, Ct);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('before')", Ct);
        Assert.Equal("before", (await stream.ChangeAsync()).Data.GetProperty("name").GetString());
        var ending = stream.NextAsync();
        await node.DisposeAsync();
        Assert.Null(await ending);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('meanwhile')", Ct);

        await using var another = await Node.StartAsync(database, Ct, masterKey);
        await using var back = await ChangeStream.OpenAsync(listener with { Node = another }, Ct, stream.LastEventId);
        Assert.Equal("meanwhile", (await back.ChangeAsync()).Data.GetProperty("name").GetString());
        await stream.DisposeAsync();
    }

    /// <summary>What a listener would come back with who has just begun.</summary>
    private async Task<string> IdNowAsync(Account listener)
    {
        using var answer = await ChangeStream.RequestAsync(listener, lastEventId: null, Ct);
        answer.EnsureSuccessStatusCode();
        using var body = new StreamReader(await answer.Content.ReadAsStreamAsync(Ct));
        while (await body.ReadLineAsync(Ct) is { } line) if (line.StartsWith("id: ", StringComparison.Ordinal)) return line[4..];
        throw new InvalidOperationException("No id.");
    }
}
