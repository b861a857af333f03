using System.Net;
using System.Net.Http.Headers;
using AuthService.Client;

namespace IntegrationTests.Features.Users;

/// <summary>Accounts under administration: made, read, changed, switched off, deleted.</summary>
public class UsersTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task An_account_is_made_with_a_password_that_only_serves_to_be_changed()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        using var answer = await admin.SendAsync(HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "Anna@Example.com", Username = "Anna", DisplayName = "Anna B." }, Ct);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        var created = (await answer.Content.ReadFromJsonAsync(WireJson.Default.CreatedUser, Ct))!;
        Assert.Equal($"/api/v1/users/{created.Id}", answer.Headers.Location!.ToString());

        var detail = await admin.GetAsync($"/api/v1/users/{created.Id}", WireJson.Default.UserDetail, Ct);
        Assert.Equal(("Anna@Example.com", "Anna", "Anna B.", true, false), (detail.Email, detail.Username, detail.DisplayName, detail.IsActive, detail.EmailVerified));
        Assert.Equal(["user"], detail.Roles);

        var anna = await node.SignInAsync("anna@example.com", created.TemporaryPassword, Ct);
        Assert.True(anna.Tokens.PasswordChangeRequired);
        using (var early = await anna.SendAsync(HttpMethod.Get, "/api/v1/me/permissions", body: null, Ct)) Assert.Equal("authn.password_change_required", (await early.ProblemAsync(Ct)).Code);
        using (var change = await anna.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change",
            new ChangePasswordRequest { CurrentPassword = created.TemporaryPassword, NewPassword = Account.StandardPassword }, Ct)) Assert.Equal(HttpStatusCode.NoContent, change.StatusCode);
        using (var after = await anna.SendAsync(HttpMethod.Get, "/api/v1/me/permissions", body: null, Ct)) Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        Assert.Equal(1, await database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'user_created' AND actor_id = $1 AND target_id = $2::text", Ct, admin.Id, created.Id));
    }

    // The unique indexes are over lower(): with plain columns two accounts would share an address, and this fails.
    [Fact]
    public async Task Addresses_and_names_are_unique_without_regard_to_case_until_their_account_is_deleted()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var anna = await database.ReadSqlAsync<long>("INSERT INTO users (email, username, password_hash) VALUES ('Ännä@example.com', 'Ännä', 'none') RETURNING id", Ct);
        var other = await database.AddRightlessUserAsync("other", Ct);

        Assert.Equal("users.email_taken", await CodeAsync(admin, HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "äNNÄ@EXAMPLE.com", Username = "free" }));
        Assert.Equal("users.username_taken", await CodeAsync(admin, HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "free@example.com", Username = "äNNÄ" }));
        Assert.Equal("users.email_taken", await CodeAsync(admin, HttpMethod.Patch, $"/api/v1/users/{other}", new UpdateUserRequest { Email = "ÄNNÄ@example.com" }));
        Assert.Equal("users.username_taken", await CodeAsync(admin, HttpMethod.Patch, $"/api/v1/users/{other}", new UpdateUserRequest { Username = "ÄNNÄ" }));
        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, $"/api/v1/users/{anna}", new UpdateUserRequest { Email = "ännä@example.com", Username = "ÄNNÄ" }));   // one's own in another case

        Assert.Null(await CodeAsync(admin, HttpMethod.Delete, $"/api/v1/users/{anna}"));
        Assert.Equal("users.not_found", await CodeAsync(admin, HttpMethod.Get, $"/api/v1/users/{anna}"));
        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, $"/api/v1/users/{other}", new UpdateUserRequest { Email = "ÄNNÄ@example.com", Username = "ännä" }));
        Assert.True(await database.ReadSqlAsync<bool>("SELECT deleted_at IS NOT NULL FROM users WHERE id = $1", Ct, anna));   // soft: the row stays
        foreach (var (method, path) in new[] { (HttpMethod.Delete, ""), (HttpMethod.Post, "/activate"), (HttpMethod.Post, "/deactivate"), (HttpMethod.Get, "/roles") })
        {
            Assert.Equal("users.not_found", await CodeAsync(admin, method, $"/api/v1/users/{anna}{path}"));
        }
    }

    [Fact]
    public async Task Of_many_who_ask_for_one_name_at_once_one_gets_it()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var ids = new List<long>();
        for (var i = 0; i < 8; i++) ids.Add(await database.AddRightlessUserAsync($"u{i}", Ct));
        var codes = await Race.RunAsync(8, i => CodeAsync(admin, HttpMethod.Patch, $"/api/v1/users/{ids[i]}", new UpdateUserRequest { Username = i % 2 == 0 ? "wanted" : "WANTED" }));
        Assert.Equal(1, codes.Count(c => c is null));
        Assert.Equal(7, codes.Count(c => c == "users.username_taken"));
    }

    // Without the comparison with $2 in update_user.sql and delete_user.sql this fails.
    [Fact]
    public async Task A_change_asked_for_against_an_older_version_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var path = $"/api/v1/users/{await database.AddRightlessUserAsync("anna", Ct)}";

        var first = await TagAsync(admin, path);
        Assert.Matches("^\"[0-9]+\"\\z", first);
        using (var changed = await SendAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest { DisplayName = "A" }, first))
        {
            Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
            Assert.Equal(await TagAsync(admin, path), changed.Headers.ETag!.Tag);   // the answer's tag is the next one to send
        }

        var second = await TagAsync(admin, path);
        Assert.NotEqual(first, second);
        foreach (var stale in new[] { first, "\"99\"", "\"abc\"", "W/" + second, "\"\"", second.Trim('"'), "\"-1\"", "\"9223372036854775808\"", $" {second} x" })
        {
            using var patched = await SendAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest { DisplayName = "B" }, stale);
            Assert.True(patched.StatusCode == HttpStatusCode.PreconditionFailed, $"{stale}: {patched.StatusCode}");
            Assert.Equal("http.precondition_failed", (await patched.ProblemAsync(Ct)).Code);
            using var deleted = await SendAsync(admin, HttpMethod.Delete, path, body: null, stale);
            Assert.Equal(HttpStatusCode.PreconditionFailed, deleted.StatusCode);
        }

        Assert.Equal(second, await TagAsync(admin, path));
        using (var any = await SendAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest { DisplayName = "C" }, "*")) Assert.Equal(HttpStatusCode.OK, any.StatusCode);
        using (var none = await SendAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest { DisplayName = "D" }, ifMatch: null)) Assert.Equal(HttpStatusCode.OK, none.StatusCode);
        using (var missing = await SendAsync(admin, HttpMethod.Patch, "/api/v1/users/4611686018427387904", new UpdateUserRequest { DisplayName = "D" }, "\"1\"")) Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        using (var gone = await SendAsync(admin, HttpMethod.Delete, path, body: null, await TagAsync(admin, path))) Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
    }

    [Fact]
    public async Task Of_many_changes_against_one_version_one_is_made()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var path = $"/api/v1/users/{await database.AddRightlessUserAsync("anna", Ct)}";
        var tag = await TagAsync(admin, path);
        var statuses = await Race.RunAsync(10, async i =>
        {
            using var answer = await SendAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest { DisplayName = $"N{i}" }, tag);
            return answer.StatusCode;
        });
        Assert.Equal(1, statuses.Count(s => s == HttpStatusCode.OK));
        Assert.Equal(9, statuses.Count(s => s == HttpStatusCode.PreconditionFailed));
    }

    [Fact]
    public async Task Absent_and_null_members_stay_and_empty_ones_clear()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var anna = await node.AddAccountAsync("anna", Ct);
        var path = $"/api/v1/users/{anna.Id}";
        await database.ExecuteSqlAsync("UPDATE users SET email_verified = true WHERE id = $1", Ct, anna.Id);

        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest { DisplayName = "Anna", Phone = "+49 30 1234", AvatarUrl = "https://example.com/a.png" }));
        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest()));
        var full = await admin.GetAsync(path, WireJson.Default.UserDetail, Ct);
        Assert.Equal(("Anna", "+49 30 1234", "https://example.com/a.png", true), (full.DisplayName, full.Phone, full.AvatarUrl, full.EmailVerified));
        Assert.Null(await CodeAsync(anna, HttpMethod.Patch, "/api/v1/users/profile", new UpdateProfileRequest { DisplayName = "", Phone = "", AvatarUrl = "" }));
        var cleared = await anna.GetAsync("/api/v1/users/profile", WireJson.Default.UserDetail, Ct);
        Assert.Equal((null, null, null), (cleared.DisplayName, cleared.Phone, cleared.AvatarUrl));

        // What was shown to be the owner's is the address as it was.
        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest { Email = "ANNA@example.com" }));
        Assert.True((await admin.GetAsync(path, WireJson.Default.UserDetail, Ct)).EmailVerified);
        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdateUserRequest { Email = "anna2@example.com" }));
        Assert.False((await admin.GetAsync(path, WireJson.Default.UserDetail, Ct)).EmailVerified);

        // The trail says which members, never to what.
        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events e WHERE e::text ~* 'anna|1234|avatar_url.*png'", Ct));
    }

    [Theory]
    [InlineData("email", "a")]
    [InlineData("email", "no-at-sign")]
    [InlineData("email", "two@at@signs")]
    [InlineData("email", "with space@example.com")]
    [InlineData("email", "line\n@example.com")]
    [InlineData("username", "a")]
    [InlineData("username", "with space")]
    [InlineData("username", "semi;colon")]
    [InlineData("username", "trailing\n")]
    [InlineData("display_name", "two\nlines")]
    [InlineData("phone", "call me")]
    [InlineData("avatar_url", "http://example.com/a.png")]
    [InlineData("avatar_url", "javascript:alert(1)")]
    public async Task A_value_of_another_form_is_refused_and_named(string member, string value)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        using var answer = await admin.SendAsync(HttpMethod.Patch, $"/api/v1/users/{admin.Id}", new Dictionary<string, string> { [member] = value }, Ct);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.All((await answer.ProblemAsync(Ct)).Errors!, e => Assert.Equal("/" + member, e.Pointer));
    }

    [Fact]
    public async Task A_deactivated_account_loses_sessions_and_rights_at_once_and_gets_its_rights_back()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var anna = await node.AddAccountAsync("anna", Ct, "roles:read");
        var path = $"/api/v1/users/{anna.Id}";
        Assert.Null(await CodeAsync(anna, HttpMethod.Get, "/api/v1/roles"));

        Assert.Null(await CodeAsync(admin, HttpMethod.Post, path + "/deactivate"));
        Assert.Equal("authn.token_not_valid", await CodeAsync(anna, HttpMethod.Get, "/api/v1/roles"));
        var inactive = await admin.GetAsync(path, WireJson.Default.UserDetail, Ct);
        Assert.False(inactive.IsActive);
        Assert.Empty(inactive.Permissions);
        Assert.Null(await CodeAsync(admin, HttpMethod.Post, path + "/deactivate"));   // again: nothing to do, no error

        Assert.Null(await CodeAsync(admin, HttpMethod.Post, path + "/activate"));
        Assert.Equal("authn.token_not_valid", await CodeAsync(anna, HttpMethod.Get, "/api/v1/roles"));   // what has ended stays so
        var back = await node.OpenSessionAsync(anna.Id, Ct);
        Assert.Null(await CodeAsync(back, HttpMethod.Get, "/api/v1/roles"));

        Assert.Null(await CodeAsync(admin, HttpMethod.Delete, path));
        Assert.Equal("authn.token_not_valid", await CodeAsync(back, HttpMethod.Get, "/api/v1/roles"));
        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL", Ct, anna.Id));
    }

    [Fact]
    public async Task Roles_are_granted_and_revoked_any_number_of_times_and_take_effect_with_the_next_request()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var anna = await node.AddAccountAsync("anna", Ct);
        var role = await database.AddRoleAsync("readers", Ct, "roles:read");
        var path = $"/api/v1/users/{anna.Id}/roles/{role}";
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal("authz.not_permitted", await CodeAsync(anna, HttpMethod.Get, "/api/v1/roles"));
            Assert.Null(await CodeAsync(admin, HttpMethod.Put, path));
            Assert.Null(await CodeAsync(admin, HttpMethod.Put, path));
            Assert.Null(await CodeAsync(anna, HttpMethod.Get, "/api/v1/roles"));
            var held = Assert.Single(await admin.GetAsync($"/api/v1/users/{anna.Id}/roles", WireJson.Default.IReadOnlyListUserRole, Ct));
            Assert.Equal((role, "readers", admin.Id), (held.Id, held.Name, held.GrantedBy));
            Assert.Null(await CodeAsync(admin, HttpMethod.Delete, path));
            Assert.Null(await CodeAsync(admin, HttpMethod.Delete, path));
        }

        Assert.Equal("users.not_found", await CodeAsync(admin, HttpMethod.Put, $"/api/v1/users/4611686018427387904/roles/{role}"));
        Assert.Equal("roles.not_found", await CodeAsync(admin, HttpMethod.Put, $"/api/v1/users/{anna.Id}/roles/4611686018427387904"));
        // An event for each change, none for what changed nothing.
        Assert.Equal(["grant readers", "revoke readers", "grant readers", "revoke readers"], await database.ReadSqlAsync<string[]>(
            "SELECT array_agg(reason ORDER BY ts) FROM audit_events WHERE type = 'authz_change' AND target_id = $1::text", Ct, anna.Id));
    }

    private async Task<string> TagAsync(Account caller, string path)
    {
        using var answer = await caller.SendAsync(HttpMethod.Get, path, body: null, Ct);
        return answer.Headers.ETag!.ToString();
    }

    private async Task<HttpResponseMessage> SendAsync(Account caller, HttpMethod method, string path, object? body, string? ifMatch)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", caller.Tokens.AccessToken);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (body is UpdateUserRequest update) request.Content = JsonContent.Create(update, WireJson.Default.UpdateUserRequest);
        return await caller.Node.Http.SendAsync(request, Ct);
    }

    /// <returns>Null: it was done.</returns>
    private async Task<string?> CodeAsync(Account caller, HttpMethod method, string path, object? body = null)
    {
        using var answer = await caller.SendAsync(method, path, body, Ct);
        return answer.IsSuccessStatusCode ? null : (await answer.ProblemAsync(Ct)).Code;
    }
}
