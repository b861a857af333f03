using System.Net;
using AuthService.Client;

namespace IntegrationTests.Features.Authentication;

public class ChangePasswordTests(Servers servers) : IClassFixture<Servers>
{
    private const string Path = "/api/v1/auth/password/change";
    private const string NewPassword = "a red kettle on no stove";

    private CancellationToken Ct => servers.TestTimeout;

    // Without "except" in end_all.sql the caller is thrown out too; without EndSessions.AllOfAsync the others stay.
    [Fact]
    public async Task A_change_keeps_this_session_and_ends_every_other_one()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var users = await database.AddUsersAsync("anna", 2, Ct);
        var (mine, other, bob) = (await node.StartSessionAsync(users[0], Ct), await node.StartSessionAsync(users[0], Ct), await node.StartSessionAsync(users[1], Ct));

        Assert.Equal(HttpStatusCode.NoContent, await ChangeAsync(mine, Account.StandardPassword, NewPassword).StatusAsync());

        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(mine.Tokens.AccessToken, Ct));
        Assert.Equal(HttpStatusCode.OK, await node.Http.RefreshAsync(mine.Tokens.RefreshToken, Ct).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(other.Tokens.AccessToken, Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(other.Tokens.RefreshToken, Ct).StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(bob.Tokens.AccessToken, Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).StatusAsync());
        await node.Http.LogInAsync("anna1@example.com", NewPassword, Ct).TokensAsync(Ct);
        Assert.Equal("password_change", await database.ReadAsync<string>("SELECT string_agg(revoked_reason, ',') FROM sessions WHERE revoked_at IS NOT NULL", Ct));
    }

    [Fact]
    public async Task Without_the_current_password_nothing_changes()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var id = await database.AddUserAsync("anna", Ct);
        var (mine, other) = (await node.StartSessionAsync(id, Ct), await node.StartSessionAsync(id, Ct));
        var before = await database.ReadAsync<string>("SELECT row_to_json(u)::text FROM users u", Ct);

        foreach (var wrong in new[] { "not the password", Account.StandardPassword + " ", NewPassword })
        {
            Assert.Equal("authn.current_password_not_valid", await ChangeAsync(mine, wrong, NewPassword).CodeAsync(HttpStatusCode.Forbidden, Ct));
        }

        // A new one that may not be set is refused as well, and only to whoever knows the current one.
        using (var weak = await ChangeAsync(mine, Account.StandardPassword, "anna1anna1anna1"))
        {
            Assert.Equal(HttpStatusCode.UnprocessableEntity, weak.StatusCode);
            Assert.All((await weak.ProblemAsync(Ct)).Errors!, error => Assert.Equal("/new_password", error.Pointer));
        }

        Assert.Equal("authn.current_password_not_valid", await ChangeAsync(mine, "not the password", "short").CodeAsync(HttpStatusCode.Forbidden, Ct));
        Assert.Equal(before, await database.ReadAsync<string>("SELECT row_to_json(u)::text FROM users u", Ct));
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(other.Tokens.AccessToken, Ct));
        await Eventually.TrueAsync(async () => await database.ReadAsync<long>(
            $"SELECT count(*) FROM audit_events WHERE type = 'authn_password_change_fail' AND outcome = 'failure' AND actor_id = {id} AND target_id = '{id}'", Ct) == 4,
            TimeSpan.FromSeconds(20));
        Assert.Equal(0L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'authn_password_change'", Ct));
    }

    // Without "version = $2" in set_password.sql both succeed and the loser's password is the account's, unknown to the winner.
    [Fact]
    public async Task Of_two_changes_at_once_one_succeeds_and_the_other_is_told_that_the_account_has_changed()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var id = await database.AddUserAsync("anna", Ct);
        Account[] sessions = [await node.StartSessionAsync(id, Ct), await node.StartSessionAsync(id, Ct)];

        // Whoever holds the row lets nobody through until both have read it.
        var held = await HeldLock.TakeAsync(database, "SELECT FROM users FOR UPDATE", Ct);
        var changes = Task.WhenAll(sessions.Select((session, i) => ChangeAsync(session, Account.StandardPassword, $"{NewPassword} {i}").StatusAsync()));
        await held.UntilWaitingAsync(2, Ct);
        await held.DisposeAsync();

        var statuses = await changes;
        Assert.Equal([HttpStatusCode.NoContent, HttpStatusCode.PreconditionFailed], statuses.Order());
        var winner = Array.IndexOf(statuses, HttpStatusCode.NoContent);
        await node.Http.LogInAsync("anna1@example.com", $"{NewPassword} {winner}", Ct).TokensAsync(Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(sessions[1 - winner].Tokens.AccessToken, Ct));
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'authn_password_change'", Ct));
    }

    // Without PasswordIsTemporary in AccessEnforcement the temporary password opens everything; without "temporary_password_until = NULL" in
    // set_password.sql the lasting one opens nothing.
    [Fact]
    public async Task A_temporary_password_opens_nothing_but_its_own_change()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var administrator = await node.CreateAdministratorAsync(Ct);
        using var answer = await administrator.SendAsync(HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "anna@example.com", Username = "anna" }, Ct);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
        var created = (await answer.Content.ReadFromJsonAsync(WireJson.Default.CreatedUser, Ct))!;
        Assert.InRange(created.TemporaryPasswordUntil - TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(7) - TimeSpan.FromMinutes(5), TimeSpan.FromDays(7) + TimeSpan.FromMinutes(5));

        var anna = await node.SignInAsync("anna@example.com", created.TemporaryPassword, Ct);
        Assert.True(anna.Tokens.PasswordChangeRequired);
        // Also after a refresh, which knows nothing of passwords.
        anna = anna with { Tokens = (await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct)) with { User = anna.Tokens.User } };
        (HttpMethod Method, string Path)[] closed =
        [
            (HttpMethod.Get, Calls.AnyonesPath), (HttpMethod.Get, "/api/v1/me/sessions"), (HttpMethod.Patch, "/api/v1/users/profile"),
            (HttpMethod.Get, "/api/v1/users"), (HttpMethod.Post, "/api/v1/authz/check"), (HttpMethod.Get, "/api/v1/authz/forward"),
            (HttpMethod.Delete, $"/api/v1/me/sessions/{Guid.CreateVersion7()}"),
        ];
        foreach (var (method, path) in closed)
        {
            Assert.Equal("authn.password_change_required", await anna.SendAsync(method, path, body: null, Ct).CodeAsync(HttpStatusCode.Forbidden, Ct));
        }

        Assert.Equal("anna", (await anna.GetAsync("/api/v1/users/profile", WireJson.Default.UserDetail, Ct)).Username);
        var second = await node.SignInAsync("anna@example.com", created.TemporaryPassword, Ct);
        Assert.Equal(HttpStatusCode.NoContent, await second.SendAsync(HttpMethod.Post, "/api/v1/auth/logout", body: null, Ct).StatusAsync());

        // Into itself it can't be changed: it would be a lasting one that an administrator knows.
        using (var unchanged = await ChangeAsync(anna, created.TemporaryPassword, created.TemporaryPassword))
        {
            Assert.Equal(HttpStatusCode.UnprocessableEntity, unchanged.StatusCode);
            Assert.Equal(["passwords.unchanged"], (await unchanged.ProblemAsync(Ct)).Errors!.Select(error => error.Code));
        }

        Assert.Equal(HttpStatusCode.NoContent, await ChangeAsync(anna, created.TemporaryPassword, NewPassword).StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(anna.Tokens.AccessToken, Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("anna@example.com", created.TemporaryPassword, Ct).StatusAsync());
        Assert.False((await node.SignInAsync("anna@example.com", NewPassword, Ct)).Tokens.PasswordChangeRequired);
    }

    private Task<HttpResponseMessage> ChangeAsync(Account account, string current, string next) =>
        account.SendAsync(HttpMethod.Post, Path, new ChangePasswordRequest { CurrentPassword = current, NewPassword = next }, Ct);
}
