using System.Net;
using AuthService.Client;

namespace IntegrationTests.Features.Authorization;

/// <summary>
/// T61: nobody gives what they don't hold, nobody acts on an account that holds more, an administrator always remains. Each test says which
/// line of <c>Authority</c> or of a use case it would miss.
/// </summary>
public class LimitsOfPowerTests(Servers servers) : IClassFixture<Servers>
{
    private const string Exceeds = "authz.exceeds_own_rights";

    private CancellationToken Ct => servers.TestTimeout;

    // Without OverRoleAsync in GrantAsync this fails.
    [Fact]
    public async Task Nobody_grants_or_revokes_a_role_that_permits_what_they_may_not()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var granter = await node.AddAccountAsync("granter", Ct, "roles:assign", "users:read");
        var somebody = await database.AddRightlessUserAsync("somebody", Ct);
        var (stronger, equal) = (await database.AddRoleAsync("stronger", Ct, "users:read", "users:write"), await database.AddRoleAsync("equal", Ct, "users:read"));
        var admin = await database.RoleIdAsync("admin", Ct);

        foreach (var target in new[] { somebody, granter.Id })
            foreach (var role in new[] { stronger, admin })
            {
                await RefusedAsync(granter, HttpMethod.Put, $"/api/v1/users/{target}/roles/{role}", body: null, Exceeds);
                await database.GrantAsync(target, role, Ct);
                if (target != granter.Id) await RefusedAsync(granter, HttpMethod.Delete, $"/api/v1/users/{target}/roles/{role}", body: null, Exceeds);
                await database.ExecuteSqlAsync("DELETE FROM user_roles WHERE user_id = $1 AND role_id = $2", Ct, target, role);
            }

        await DoneAsync(granter, HttpMethod.Put, $"/api/v1/users/{somebody}/roles/{equal}");
        Assert.Equal(["users:read"], await PermissionsAsync(node, somebody));
        Assert.Equal(granter.Id, await database.ReadSqlAsync<long>("SELECT granted_by FROM user_roles WHERE user_id = $1", Ct, somebody));
        await DoneAsync(granter, HttpMethod.Delete, $"/api/v1/users/{somebody}/roles/{equal}");
        Assert.Empty(await PermissionsAsync(node, somebody));
    }

    // Without OverPermissionAsync in RolePermissions.ChangeAsync this fails.
    [Fact]
    public async Task Nobody_puts_a_permission_into_a_role_or_takes_one_out_that_they_lack()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var editor = await node.AddAccountAsync("editor", Ct, "roles:write", "roles:read", "users:read");
        var own = await database.RoleIdAsync("only-editor", Ct);
        var other = await database.AddRoleAsync("other", Ct, "users:write");
        long lacking = await database.PermissionIdAsync("users:write", Ct), held = await database.PermissionIdAsync("users:read", Ct);

        await RefusedAsync(editor, HttpMethod.Put, $"/api/v1/roles/{own}/permissions/{lacking}", body: null, Exceeds);
        await RefusedAsync(editor, HttpMethod.Put, $"/api/v1/roles/{other}/permissions/{lacking}", body: null, Exceeds);
        await RefusedAsync(editor, HttpMethod.Delete, $"/api/v1/roles/{other}/permissions/{lacking}", body: null, Exceeds);
        await DoneAsync(editor, HttpMethod.Put, $"/api/v1/roles/{other}/permissions/{held}");
        Assert.Equal(["roles:read", "roles:write", "users:read"], await PermissionsAsync(node, editor.Id));

        // admin holds everything, always: not even an administrator takes something out of it.
        var admin = await node.AddAdministratorAsync("root", Ct);
        await RefusedAsync(admin, HttpMethod.Delete, $"/api/v1/roles/{await database.RoleIdAsync("admin", Ct)}/permissions/{held}", body: null, "roles.system_role");
    }

    // Without OverRoleAsync in UpdateRole and DeleteRole this fails.
    [Fact]
    public async Task Nobody_renames_or_deletes_a_role_that_permits_what_they_may_not()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var editor = await node.AddAccountAsync("editor", Ct, "roles:write");
        var stronger = await database.AddRoleAsync("stronger", Ct, "users:write");
        await RefusedAsync(editor, HttpMethod.Patch, $"/api/v1/roles/{stronger}", new UpdateRoleRequest { Name = "mine" }, Exceeds);
        await RefusedAsync(editor, HttpMethod.Delete, $"/api/v1/roles/{stronger}", body: null, Exceeds);
        Assert.Equal("stronger", await database.ReadSqlAsync<string>("SELECT name FROM roles WHERE id = $1", Ct, stronger));
    }

    // A new name gives every holder a new right. Without the question for system:admin in UpdatePermission this fails: the caller holds what
    // is renamed, so no other rule stops it.
    [Fact]
    public async Task Nobody_renames_a_permission_they_hold_into_one_they_lack()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var permission = await database.AddPermissionAsync("coffee", "brew", Ct);
        var editor = await node.AddAccountAsync("editor", Ct, "permissions:write", "coffee:brew");

        await RefusedAsync(editor, HttpMethod.Patch, $"/api/v1/permissions/{permission}", new UpdatePermissionRequest { Resource = "payroll" }, "authz.not_permitted");
        await RefusedAsync(editor, HttpMethod.Patch, $"/api/v1/permissions/{permission}", new UpdatePermissionRequest { Action = "own" }, "authz.not_permitted");
        await DoneAsync(editor, HttpMethod.Patch, $"/api/v1/permissions/{permission}", new UpdatePermissionRequest { Resource = "coffee", Description = "Hot." });
        Assert.Equal(["coffee:brew", "permissions:write"], await PermissionsAsync(node, editor.Id));

        // The way round it: delete what is held and make another. It is held by admin alone.
        await DoneAsync(editor, HttpMethod.Delete, $"/api/v1/permissions/{permission}");
        await DoneAsync(editor, HttpMethod.Post, "/api/v1/permissions", new CreatePermissionRequest { Resource = "payroll", Action = "own" });
        Assert.Equal(["permissions:write"], await PermissionsAsync(node, editor.Id));
    }

    // The permission was renamed between this caller's read and its write. Where the write repeated the name it had read, it renamed the
    // permission back, without system:admin; send the request's names unchanged in UpdatePermission and this fails.
    [Fact]
    public async Task Describing_a_permission_under_its_old_name_does_not_undo_a_rename()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var permission = await database.AddPermissionAsync("coffee", "brew", Ct);
        var editor = await node.AddAccountAsync("editor", Ct, "permissions:write", "coffee:brew");
        await database.AddRoleAsync("held-by-nobody", Ct, "coffee:brew");

        // Renamed in a transaction that commits only when the editor's request has read the old name and waits for the row.
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        await using (var rename = connection.CreateCommand())
        {
            rename.CommandText = "UPDATE permissions SET resource = 'tea', version = version + 1 WHERE resource = 'coffee'";
            await rename.ExecuteNonQueryAsync(Ct);
        }

        var patch = editor.SendAsync(HttpMethod.Patch, $"/api/v1/permissions/{permission}", new UpdatePermissionRequest { Resource = "coffee", Description = "Hot." }, Ct);
        await Eventually.TrueAsync(async () => await database.ReadSqlAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", Ct) == 1, TimeSpan.FromSeconds(20));
        await transaction.CommitAsync(Ct);
        using var answer = await patch;
        Assert.Equal("tea:brew", await database.ReadSqlAsync<string>("SELECT resource || ':' || action FROM permissions WHERE id = $1", Ct, permission));
    }

    // Without OverUserAsync in UpdateUser and SetUserStatus this fails: who may write an address may have the password reset sent there.
    [Fact]
    public async Task Nobody_edits_activates_deactivates_or_deletes_an_account_that_holds_more()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var helper = await node.AddAccountAsync("helper", Ct, "users:write", "users:admin");
        await node.AddAdministratorAsync("keeper", Ct);   // the rule about the last one is not what is asked here
        var boss = (await node.AddAdministratorAsync("boss", Ct)).Id;
        var auditor = (await node.AddAccountAsync("auditor", Ct, "audit:read")).Id;

        foreach (var target in new[] { boss, auditor })
            foreach (var active in new[] { true, false })
            {
                // Also while it is inactive, when its rights are none: they come back with it.
                await database.ExecuteSqlAsync("UPDATE users SET is_active = $2 WHERE id = $1", Ct, target, active);
                await RefusedAsync(helper, HttpMethod.Patch, $"/api/v1/users/{target}", new UpdateUserRequest { Email = "helper@evil.example" }, Exceeds);
                await RefusedAsync(helper, HttpMethod.Patch, $"/api/v1/users/{target}", new UpdateUserRequest { DisplayName = "Fool" }, Exceeds);
                await RefusedAsync(helper, HttpMethod.Post, $"/api/v1/users/{target}/activate", body: null, Exceeds);
                await RefusedAsync(helper, HttpMethod.Post, $"/api/v1/users/{target}/deactivate", body: null, Exceeds);
                await RefusedAsync(helper, HttpMethod.Delete, $"/api/v1/users/{target}", body: null, Exceeds);
            }

        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM users WHERE email LIKE '%evil%' OR deleted_at IS NOT NULL", Ct));
    }

    // Without OverUserAsync in CreateUser this fails. The maker of an account knows its first password, so its rights are theirs.
    [Fact]
    public async Task Nobody_makes_an_account_that_holds_more_than_they_do()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var helper = await node.AddAccountAsync("helper", Ct, "users:write");
        var everyones = await database.RoleIdAsync("user", Ct);
        await database.ExecuteSqlAsync("INSERT INTO role_permissions SELECT $1, id FROM permissions WHERE resource = 'audit'", Ct, everyones);
        var request = new CreateUserRequest { Email = "new@example.com", Username = "new" };
        await RefusedAsync(helper, HttpMethod.Post, "/api/v1/users", request, Exceeds);
        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM users WHERE username = 'new'", Ct));
        await database.GrantAsync(helper.Id, everyones, Ct);
        await DoneAsync(helper, HttpMethod.Post, "/api/v1/users", request);
    }

    // T62 from the other side: every write that is one's own to make, with everything one may wish for, leaves the rights as they were.
    [Fact]
    public async Task Ones_own_profile_is_no_way_up()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.AddAccountAsync("anna", Ct);
        foreach (var body in new object[]
        {
            new Dictionary<string, object> { ["roles"] = new[] { "admin" } }, new Dictionary<string, object> { ["permissions"] = new[] { "system:admin" } },
            new Dictionary<string, object> { ["email"] = "root@example.com" }, new Dictionary<string, object> { ["id"] = 1 }, new Dictionary<string, object> { ["user_id"] = 1 },
        })
        {
            using var answer = await anna.SendAsync(HttpMethod.Patch, "/api/v1/users/profile", body, Ct);
            Assert.Equal("http.malformed_json", (await answer.ProblemAsync(Ct)).Code);
        }

        Assert.Empty(await PermissionsAsync(node, anna.Id));
        Assert.Equal("anna@example.com", await database.ReadSqlAsync<string>("SELECT email FROM users WHERE id = $1", Ct, anna.Id));
    }

    // Without KeepsAnAdministratorAsync in UserRoles and SetUserStatus this fails.
    [Fact]
    public async Task The_last_administrator_can_not_be_revoked_deactivated_or_deleted()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var last = await node.AddAdministratorAsync("last", Ct);
        // Holds all of it, but not by the role that counts.
        var rival = await node.AddAccountAsync("rival", Ct, await AllPermissionsAsync(database));
        var admin = await database.RoleIdAsync("admin", Ct);
        // Neither one who can't sign in nor one who is gone is an administrator who remains.
        await database.ExecuteSqlAsync("UPDATE users SET is_active = false WHERE id = $1", Ct, (await node.AddAdministratorAsync("asleep", Ct)).Id);
        await database.ExecuteSqlAsync("UPDATE users SET is_active = false, deleted_at = now() WHERE id = $1", Ct, (await node.AddAdministratorAsync("gone", Ct)).Id);

        const string expected = "users.last_administrator";
        await RefusedAsync(last, HttpMethod.Delete, $"/api/v1/users/{last.Id}/roles/{admin}", body: null, expected);
        await RefusedAsync(rival, HttpMethod.Delete, $"/api/v1/users/{last.Id}/roles/{admin}", body: null, expected);
        await RefusedAsync(rival, HttpMethod.Post, $"/api/v1/users/{last.Id}/deactivate", body: null, expected);
        await RefusedAsync(rival, HttpMethod.Delete, $"/api/v1/users/{last.Id}", body: null, expected);
        await RefusedAsync(last, HttpMethod.Delete, $"/api/v1/roles/{admin}", body: null, "roles.system_role");
        await RefusedAsync(last, HttpMethod.Post, $"/api/v1/users/{last.Id}/deactivate", body: null, "users.own_account");
        await RefusedAsync(last, HttpMethod.Delete, $"/api/v1/users/{last.Id}", body: null, "users.own_account");

        await DoneAsync(last, HttpMethod.Put, $"/api/v1/users/{rival.Id}/roles/{admin}");
        await DoneAsync(rival, HttpMethod.Delete, $"/api/v1/users/{last.Id}/roles/{admin}");
        Assert.Empty(await PermissionsAsync(node, last.Id));
    }

    // Without the statement lock_administrators each sees the other as the one who remains, and none does: this fails.
    [Theory]
    [InlineData("DELETE", "/api/v1/users/{0}/roles/{1}")]
    [InlineData("POST", "/api/v1/users/{0}/deactivate")]
    [InlineData("DELETE", "/api/v1/users/{0}")]
    public async Task Two_administrators_who_remove_each_other_at_once_leave_one(string method, string path)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await database.RoleIdAsync("admin", Ct);
        for (var round = 0; round < 25; round++)
        {
            Account[] two = [await node.AddAdministratorAsync($"a{round}", Ct), await node.AddAdministratorAsync($"b{round}", Ct)];
            var statuses = await Race.RunAsync(2, async i =>
            {
                using var answer = await two[i].SendAsync(new HttpMethod(method), string.Format(System.Globalization.CultureInfo.InvariantCulture, path, two[1 - i].Id, admin), body: null, Ct);
                return answer.StatusCode;
            });
            Assert.Equal(1, statuses.Count(s => s == HttpStatusCode.NoContent));
            // The one who was too late: the last one is kept, or the session, the right or the role is gone already.
            Assert.True(statuses.Single(s => s != HttpStatusCode.NoContent) is HttpStatusCode.Conflict or HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized);
            Assert.Equal(1, await database.ReadSqlAsync<long>(
                "SELECT count(*) FROM users u JOIN user_roles ur ON ur.user_id = u.id WHERE ur.role_id = $1 AND u.is_active AND u.deleted_at IS NULL", Ct, admin));
            await database.ExecuteSqlAsync("UPDATE users SET is_active = false WHERE id = ANY ($1)", Ct, two.Select(t => t.Id).ToArray());
        }
    }

    private static Task<string[]> AllPermissionsAsync(TestDatabase database) =>
        database.ReadSqlAsync<string[]>("SELECT array_agg(resource || ':' || action) FROM permissions", CancellationToken.None);

    private static Task<string[]> PermissionsAsync(Node node, long userId) =>
        node.Database.ReadSqlAsync<string[]>("SELECT permissions FROM user_rights($1)", CancellationToken.None, userId);

    private async Task RefusedAsync(Account caller, HttpMethod method, string path, object? body, string code)
    {
        using var answer = await caller.SendAsync(method, path, body, Ct);
        Assert.True((int)answer.StatusCode is 403 or 409, $"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Ct)}");
        Assert.Equal(code, (await answer.ProblemAsync(Ct)).Code);
    }

    private async Task DoneAsync(Account caller, HttpMethod method, string path, object? body = null)
    {
        using var answer = await caller.SendAsync(method, path, body, Ct);
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Ct)}");
    }
}
