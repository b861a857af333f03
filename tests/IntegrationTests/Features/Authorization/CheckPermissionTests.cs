using System.Net;
using System.Net.Http.Headers;
using AuthService.Client;

namespace IntegrationTests.Features.Authorization;

/// <summary>Checks: everything but a clear yes is a no, and a no leaves a trace (T68).</summary>
public class CheckPermissionTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task A_held_permission_is_allowed_and_whatever_is_not_exactly_held_is_not()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.AddAccountAsync("anna", Ct, "roles:read");
        Assert.True((await CheckAsync(anna, "roles:read")).Allowed);
        string[] refused =
        [
            "roles:write", "users:read", "no:such", "roles", "roles:", ":read", ":", "roles:read:", "roles:read ", " roles:read", "ROLES:READ", "roles:*", "*:*", "*", "roles:read,roles:write",
            "r\u043eles:read" /* a Cyrillic o */, "roles\u200b:read", new string('a', 256),
        ];
        foreach (var permission in refused) Assert.False((await CheckAsync(anna, permission)).Allowed, permission);

        // One event each; what was malformed is not repeated into the trail.
        await Eventually.TrueAsync(async () => await CountAsync(database, "authz_fail") == refused.Length, TimeSpan.FromSeconds(20));
        Assert.Equal(4, await database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'authz_fail' AND reason IN ('roles:write', 'users:read', 'no:such', 'ROLES:READ') AND outcome = 'failure'", Ct));
        Assert.Equal(refused.Length - 4, await database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events WHERE reason = 'malformed permission'", Ct));
    }

    // Without the question for users:read in CheckPermission this fails.
    [Fact]
    public async Task The_rights_of_others_are_told_to_holders_of_users_read_alone()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (curious, reader) = (await node.AddAccountAsync("curious", Ct, "roles:read"), await node.AddAccountAsync("reader", Ct, "users:read"));

        foreach (var (path, body) in new (string, object)[]
        {
            ("/api/v1/authz/check", new CheckRequest { UserId = reader.Id, Permission = "users:read" }),
            ("/api/v1/authz/check", new CheckRequest { UserId = 4611686018427387904, Permission = "users:read" }),
            ("/api/v1/authz/check/batch", new BatchCheckRequest { Checks = [new CheckRequest { Permission = "roles:read" }, new CheckRequest { UserId = reader.Id, Permission = "users:read" }] }),
        })
        {
            using var answer = await curious.SendAsync(HttpMethod.Post, path, body, Ct);
            Assert.Equal("authz.not_permitted", (await answer.ProblemAsync(Ct)).Code);
        }

        Assert.True((await CheckAsync(reader, "roles:read", curious.Id)).Allowed);
        Assert.False((await CheckAsync(reader, "users:read", curious.Id)).Allowed);
        Assert.False((await CheckAsync(reader, "users:read", 4611686018427387904)).Allowed);
        Assert.True((await CheckAsync(curious, "roles:read", curious.Id)).Allowed);   // one's own number is no other's
    }

    [Fact]
    public async Task A_batch_of_1_to_100_is_answered_in_order_and_from_one_state()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.AddAccountAsync("anna", Ct, "roles:read");
        foreach (var count in new[] { 1, 2, 99, 100 })
        {
            var checks = Enumerable.Range(0, count).Select(i => new CheckRequest { Permission = i % 3 == 0 ? "roles:read" : "roles:write" }).ToArray();
            using var answer = await anna.SendAsync(HttpMethod.Post, "/api/v1/authz/check/batch", new BatchCheckRequest { Checks = checks }, Ct);
            var batch = (await answer.Content.ReadFromJsonAsync(WireJson.Default.BatchCheckResponse, Ct))!;
            Assert.Equal(Enumerable.Range(0, count).Select(i => i % 3 == 0), batch.Results);
            Assert.NotEmpty(batch.Revision);
        }

        foreach (var count in new[] { 0, 101, 1_000 })
        {
            var checks = Enumerable.Repeat(new CheckRequest { Permission = "roles:read" }, count).ToArray();
            using var answer = await anna.SendAsync(HttpMethod.Post, "/api/v1/authz/check/batch", new BatchCheckRequest { Checks = checks }, Ct);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
            Assert.Equal("/checks", Assert.Single((await answer.ProblemAsync(Ct)).Errors!).Pointer);
        }

        using var nested = await anna.SendAsync(HttpMethod.Post, "/api/v1/authz/check/batch",
            new BatchCheckRequest { Checks = [new CheckRequest { Permission = "roles:read" }, new CheckRequest { UserId = 0, Permission = "" }] }, Ct);
        Assert.Equal(["/checks/1/permission", "/checks/1/user_id"], (await nested.ProblemAsync(Ct)).Errors!.Select(e => e.Pointer).Order());
    }

    // Two permissions that are always moved together are never seen apart. Load each subject in a statement of its own and this fails.
    [Fact]
    public async Task A_batch_over_several_accounts_never_mixes_two_states()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        long[] pair = [await database.AddRightlessUserAsync("left", Ct), await database.AddRightlessUserAsync("right", Ct)];
        var role = await database.AddRoleAsync("moving", Ct, "audit:read");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var mover = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                await database.ExecuteSqlAsync(i % 2 == 0 ? "INSERT INTO user_roles SELECT unnest($1), $2" : "DELETE FROM user_roles WHERE user_id = ANY ($1) AND role_id = $2", Ct, pair, role);
            }
        }, Ct);

        var seen = new HashSet<bool>();
        for (var i = 0; i < 200 || seen.Count < 2; i++)
        {
            using var answer = await reader.SendAsync(HttpMethod.Post, "/api/v1/authz/check/batch",
                new BatchCheckRequest { Checks = [.. pair.Select(id => new CheckRequest { UserId = id, Permission = "audit:read" })] }, Ct);
            var results = (await answer.Content.ReadFromJsonAsync(WireJson.Default.BatchCheckResponse, Ct))!.Results;
            Assert.Equal(results[0], results[1]);
            seen.Add(results[0]);
        }

        await stop.CancelAsync();
        await mover;
    }

    [Fact]
    public async Task A_proxy_that_asks_gets_200_401_or_403()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.AddAccountAsync("anna", Ct, "roles:read");

        foreach (var (query, status) in new[]
        {
            ("", 200), ("?permission=roles:read", 200), ("?permission=roles%3Aread", 200), ("?permission=roles:write", 403), ("?permission=", 403), ("?permission=%20", 403),
            ("?permission=roles:read&permission=roles:read", 403), ("?permission=no", 403), ("?permission=%00", 403), ("?Permission=roles:write", 403),
        })
        {
            using var answer = await anna.SendAsync(HttpMethod.Get, "/api/v1/authz/forward" + query, body: null, Ct);
            Assert.True((int)answer.StatusCode == status, $"{query}: {(int)answer.StatusCode}");
            if (status != 200) continue;
            Assert.Equal(anna.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), Assert.Single(answer.Headers.GetValues("X-Auth-User-Id")));
            Assert.True(Guid.TryParse(Assert.Single(answer.Headers.GetValues("X-Auth-Session-Id")), out _));
        }

        using var anonymous = await node.Http.GetAsync(new Uri("/api/v1/authz/forward?permission=roles:read", UriKind.Relative), Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);

        // A client that sends the headers a proxy trusts does not become somebody else.
        using var posing = new HttpRequestMessage(HttpMethod.Get, "/api/v1/authz/forward");
        posing.Headers.Authorization = new AuthenticationHeaderValue("Bearer", anna.Tokens.AccessToken);
        posing.Headers.Add("X-Auth-User-Id", "1");
        using var posed = await node.Http.SendAsync(posing, Ct);
        Assert.Equal(anna.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), Assert.Single(posed.Headers.GetValues("X-Auth-User-Id")));
    }

    [Fact]
    public async Task Ones_own_rights_are_those_of_now()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.AddAccountAsync("anna", Ct, "roles:read", "audit:read");
        var mine = await anna.GetAsync("/api/v1/me/permissions", WireJson.Default.RightsResponse, Ct);
        Assert.Equal(anna.Id, mine.UserId);
        Assert.Equal(["only-anna"], mine.Roles);
        Assert.Equal(["audit:read", "roles:read"], mine.Permissions);

        var admin = await node.AddAdministratorAsync("root", Ct);
        using var taken = await admin.SendAsync(HttpMethod.Delete,
            $"/api/v1/roles/{await database.RoleIdAsync("only-anna", Ct)}/permissions/{await database.PermissionIdAsync("audit:read", Ct)}", body: null, Ct);
        Assert.Equal(HttpStatusCode.NoContent, taken.StatusCode);
        Assert.Equal(["roles:read"], (await anna.GetAsync("/api/v1/me/permissions", WireJson.Default.RightsResponse, Ct)).Permissions);
        Assert.False((await CheckAsync(anna, "audit:read")).Allowed);
    }

    private async Task<CheckResponse> CheckAsync(Account caller, string permission, long? userId = null)
    {
        using var answer = await caller.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new CheckRequest { UserId = userId, Permission = permission }, Ct);
        Assert.True(answer.IsSuccessStatusCode, $"{permission}: {await answer.Content.ReadAsStringAsync(Ct)}");
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.CheckResponse, Ct))!;
    }

    private Task<long> CountAsync(TestDatabase database, string type) =>
        database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events WHERE type = $1", Ct, type);
}
