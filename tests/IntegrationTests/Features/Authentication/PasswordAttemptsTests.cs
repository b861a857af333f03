using System.Net;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Features.Users;
using AuthService.Http;
using AuthService.Passwords;
using IntegrationTests.Throttling;

namespace IntegrationTests.Features.Authentication;

/// <summary>Somebody guesses at passwords. Time goes by when the tests say so.</summary>
public class PasswordAttemptsTests(Servers servers) : IClassFixture<Servers>
{
    private const string Anna = "anna1@example.com";
    private const string Second = "anna2@example.com";
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);

    private readonly StandingClock _clock = new();

    private CancellationToken Ct => servers.TestTimeout;

    // T46. A failure more or less before the first wait, another first wait, another factor or no longest one, and this fails: the right
    // password is let in where it must not be looked at, or not let in where it must.
    [Fact]
    public async Task Five_failures_are_free_then_each_doubles_the_wait_and_the_hundredth_stops_the_password()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct);
        var ids = await database.AddUsersAsync("anna", 2, Ct);
        await node.FailAsync(Anna, 4, Ct);
        Assert.True(await node.LetsInAsync(Anna, Ct));   // begins anew

        await node.FailAsync(Anna, 5, Ct);
        await database.AuditedAsync("authn_login_fail_max", 1, Ct, $"target_id = '{ids[0]}'");
        var wait = TimeSpan.FromSeconds(1);
        for (var failures = 5; failures < 100; failures++)
        {
            Assert.False(await node.LetsInAsync(Anna, Ct), $"{failures} failures");
            _clock.Advance(wait - Instant);
            Assert.False(await node.LetsInAsync(Anna, Ct), $"{failures} failures, {wait} but an instant");
            _clock.Advance(Instant);
            await node.FailAsync(Anna, 1, Ct);
            wait = wait * 2 < TimeSpan.FromMinutes(15) ? wait * 2 : TimeSpan.FromMinutes(15);
        }

        // No wait ends it, no node that has counted nothing, and forgetting neither.
        await database.AuditedAsync("authn_login_lock", 1, Ct, $"target_id = '{ids[0]}'");
        _clock.Advance(TimeSpan.FromDays(400));
        Assert.False(await node.LetsInAsync(Anna, Ct));
        await using var other = await ThrottledNode.StartAsync(database, _clock, Ct, masterKey: node.MasterKey);
        Assert.False(await other.LetsInAsync(Anna, Ct));
        Assert.True(await node.LetsInAsync(Second, Ct));
        await database.AuditedAsync("authn_login_fail_max", 1, Ct);
    }

    [Fact]
    public async Task An_administrator_or_a_new_password_lifts_the_stop()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct, settings: [("Throttling:StopAfter", "5"), ("Throttling:AccountFailures", "5")]);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var id = await database.AddUserAsync("anna", Ct);
        var mine = await node.StartSessionAsync(id, Ct);
        await node.FailAsync(Anna, 5, Ct);
        Assert.False(await node.LetsInAsync(Anna, Ct));

        Assert.Equal(HttpStatusCode.NoContent, await admin.SendAsync(HttpMethod.Post, $"/api/v1/users/{id}/unlock", body: null, Ct).StatusAsync());
        Assert.True(await node.LetsInAsync(Anna, Ct));
        Assert.Equal(HttpStatusCode.NotFound, await admin.SendAsync(HttpMethod.Post, "/api/v1/users/999999/unlock", body: null, Ct).StatusAsync());
        Assert.Equal(HttpStatusCode.Forbidden, await mine.SendAsync(HttpMethod.Post, $"/api/v1/users/{id}/unlock", body: null, Ct).StatusAsync());
        await database.AuditedAsync("user_updated", 1, Ct, $"reason = 'unlock' AND actor_id = {admin.Id} AND target_id = '{id}'");

        await node.FailAsync(Anna, 5, Ct);
        Assert.False(await node.LetsInAsync(Anna, Ct));
        var services = node.Services;   // the command line makes it by itself
        var reset = await new ResetPassword(services.GetRequiredService<Changes>(), services.GetRequiredService<PasswordHashing>(), services.GetRequiredService<PasswordOptions>()).ExecuteAsync(Anna, Caller.Service, Ct);
        Assert.False(reset.Failed(out _, out var password));
        Assert.Equal(HttpStatusCode.OK, await node.LogInAsync(Anna, password!.TemporaryPassword!, Ct).StatusAsync());
    }

    // T40, T41. Tell a refusal by a header, spare the hash or the statement, or count unknown addresses otherwise, and this fails.
    [Fact]
    public async Task What_is_not_looked_at_is_answered_like_a_wrong_password_and_costs_the_same()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct);
        await database.AddUsersAsync("anna", 4, Ct);
        await database.ExecuteAsync("UPDATE users SET password_stopped_at = now() WHERE username = 'anna3'", Ct);
        await node.FailAsync(Anna, 5, Ct);
        await node.FailAsync("nobody@example.com", 5, Ct);
        Assert.True(await node.LetsInAsync("anna4@example.com", Ct));   // the control, which also has every statement prepared
        (string Reason, string Email, string Password)[] refused =
        [
            ("wrong", Second, "not the password"),
            ("unknown", "somebody@example.com", Account.StandardPassword),
            ("throttled", Anna, Account.StandardPassword),
            ("throttled, wrong", Anna, "not the password"),
            ("unknown and throttled", "nobody@example.com", Account.StandardPassword),
            ("stopped", "anna3@example.com", Account.StandardPassword),
            ("stopped, wrong", "anna3@example.com", "not the password"),
        ];

        var hashing = node.Services.GetRequiredService<PasswordHashing>();
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (reason, email, password) in refused)
        {
            var (hashes, answer) = (hashing.HashCount, "");
            var statements = await Statements.CountAsync(database, async () => answer = await node.VerbatimLogInAsync(email, password, Ct), Ct);
            answers[reason] = $"{answer}\n{hashing.HashCount - hashes} hashes\n{string.Join('\n', statements)}";
        }

        Assert.All(answers, answer => Assert.Equal(answers["wrong"], answer.Value));
        Assert.EndsWith("1 hashes\n[Authentication/LogIn.find_user, 1]", answers["wrong"], StringComparison.Ordinal);
    }

    // Count when an attempt ends instead of when it begins, and all of them are looked at.
    [Fact]
    public async Task Many_at_once_are_looked_at_no_more_often_than_one_after_the_other()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct);
        await database.AddUserAsync("anna", Ct);
        for (var round = 1; round <= 3; round++)
        {
            var answers = await Race.RunAsync(24, i => node.LogInAsync(i % 2 == 0 ? Anna : "nobody@example.com", "not the password", Ct).StatusAsync());
            Assert.All(answers, status => Assert.Equal(HttpStatusCode.Unauthorized, status));
            // The five that are free, then one when each wait is over.
            await database.AuditedAsync("authn_login_fail", 12 * round, Ct, "target_id IS NOT NULL");
            await database.AuditedAsync("authn_login_fail", 4 + round, Ct, "target_id IS NOT NULL AND reason IS NULL");
            _clock.Advance(TimeSpan.FromSeconds(Math.Pow(2, round - 1)));
        }
    }

    // Its owner signs in from everywhere at once: nobody is refused for what has not failed. Without Verdict.Busy most of them are.
    [Fact]
    public async Task The_right_password_many_times_at_once_is_let_in_every_time()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct);
        await database.AddUserAsync("anna", Ct);
        Assert.All(await Race.RunAsync(24, _ => node.LetsInAsync(Anna, Ct)), Assert.True);
    }

    // T47. Count known devices with everybody else, or let the stop reach them, and this fails.
    [Fact]
    public async Task Nobody_can_lock_the_owner_out_of_a_known_device()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct, settings: [("Throttling:StopAfter", "7"), ("Throttling:LogInsPerIp", "20"), ("Throttling:FailuresPerIp", "1000")]);
        await database.AddUsersAsync("anna", 2, Ct);
        var home = await DeviceAsync(node, Anna);
        var others = await DeviceAsync(node, Second);

        await node.FailAsync(Anna, 5, Ct);
        Assert.True(await node.LetsInAsync(Anna, Ct, home));
        Assert.False(await node.LetsInAsync(Anna, Ct));   // and letting it in there is no success here
        foreach (var wait in new[] { 1, 2 })
        {
            _clock.Advance(TimeSpan.FromSeconds(wait));
            await node.FailAsync(Anna, 1, Ct);
        }

        await database.AuditedAsync("authn_login_lock", 1, Ct);
        Assert.False(await node.LetsInAsync(Anna, Ct));
        Assert.False(await node.LetsInAsync(Anna, Ct, others));   // known, but not for this account
        Assert.False(await node.LetsInAsync(Anna, Ct, home[..^1] + (home[^1] == 'A' ? 'E' : 'A')));
        // The whole address over its limit: that is no reason at home either.
        var over = HttpStatusCode.Unauthorized;
        for (var i = 0; i < 20 && over == HttpStatusCode.Unauthorized; i++) over = await node.LogInAsync("nobody@example.com", "x", Ct).StatusAsync();
        Assert.Equal(HttpStatusCode.TooManyRequests, over);
        Assert.True(await node.LetsInAsync(Anna, Ct, home));

        // It has a budget of its own, not none.
        await node.FailAsync(Anna, 5, Ct, home);
        Assert.False(await node.LetsInAsync(Anna, Ct, home));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await node.LetsInAsync(Anna, Ct, home));
    }

    [Fact]
    public async Task A_known_device_signs_in_no_more_often_than_an_address()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct, settings: ("Throttling:LogInsPerIp", "3"));
        await database.AddUserAsync("anna", Ct);
        var home = await DeviceAsync(node, Anna);
        for (var i = 0; i < 3; i++) Assert.True(await node.LetsInAsync(Anna, Ct, home));
        using (var over = await node.LogInAsync(Anna, Account.StandardPassword, Ct, home))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, over.StatusCode);
            Assert.Equal("\"logins\";r=0;t=60", over.Header("RateLimit"));
        }

        Assert.True(await node.LetsInAsync(Anna, Ct));   // the address has its own
    }

    // The disk is full, say. End such an attempt as a failure, and whoever kept trying waits when the disk is mended.
    [Fact]
    public async Task That_a_session_could_not_begin_is_no_failure_of_the_password()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct);
        await database.AddUserAsync("anna", Ct);
        await database.ExecuteAsync("ALTER TABLE sessions ADD CONSTRAINT nothing_goes CHECK (false) NOT VALID", Ct);
        for (var i = 0; i < 6; i++) Assert.InRange((int)await node.LogInAsync(Anna, Account.StandardPassword, Ct).StatusAsync(), 500, 503);
        await database.ExecuteAsync("ALTER TABLE sessions DROP CONSTRAINT nothing_goes", Ct);
        Assert.True(await node.LetsInAsync(Anna, Ct));
    }

    // A stolen device guesses on: at the last failure it is a device like any other, and the password has stopped.
    [Fact]
    public async Task A_known_device_that_fails_too_often_is_known_no_more()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct, settings: ("Throttling:StopAfter", "5"));
        await database.AddUserAsync("anna", Ct);
        var stolen = await DeviceAsync(node, Anna);
        await node.FailAsync(Anna, 5, Ct, stolen);
        _clock.Advance(TimeSpan.FromDays(2));
        Assert.False(await node.LetsInAsync(Anna, Ct, stolen));
        await database.AuditedAsync("authn_login_lock", 1, Ct);
    }

    [Fact]
    public async Task The_cookie_of_a_known_device_reaches_no_script_and_no_other_host_and_signs_nobody_in()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct);
        await database.AddUserAsync("anna", Ct);
        using var answer = await node.LogInAsync(Anna, Account.StandardPassword, Ct);
        var cookie = answer.Header("Set-Cookie")!;
        Assert.StartsWith("__Host-known-device=", cookie, StringComparison.Ordinal);
        Assert.Equal(["max-age=15552000", "path=/", "secure", "samesite=strict", "httponly"], cookie.Split("; ")[1..]);

        using var refused = await node.LogInAsync(Anna, "not the password", Ct, cookie.Split(';')[0]);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Null(refused.Header("Set-Cookie"));
        using var request = new HttpRequestMessage(HttpMethod.Get, Calls.AnyonesPath);
        request.Headers.Add("Cookie", cookie.Split(';')[0]);
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.SendAsync(request, Ct).StatusAsync());
    }

    // T46. The current password is a factor like any; whoever guesses at it in a stolen session does not keep the owner from signing in, nor the reverse.
    [Fact]
    public async Task The_current_password_is_throttled_where_it_is_changed_and_apart_from_log_ins()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        await node.FailAsync(Anna, 5, Ct);
        for (var i = 0; i < 5; i++) Assert.Equal("authn.current_password_not_valid", await ChangeAsync(anna, "not the password").CodeAsync(HttpStatusCode.Forbidden, Ct));
        Assert.Equal("authn.current_password_not_valid", await ChangeAsync(anna, Account.StandardPassword).CodeAsync(HttpStatusCode.Forbidden, Ct));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await node.LetsInAsync(Anna, Ct));
        Assert.Equal(HttpStatusCode.NoContent, await ChangeAsync(anna, Account.StandardPassword).StatusAsync());
    }

    private Task<HttpResponseMessage> ChangeAsync(Account account, string current) =>
        account.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change", new ChangePasswordRequest { CurrentPassword = current, NewPassword = "a red kettle on no stove" }, Ct);

    /// <summary>Signs in where nothing is known yet.</summary>
    private async Task<string> DeviceAsync(Node node, string email)
    {
        using var answer = await node.LogInAsync(email, Account.StandardPassword, Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return answer.Header("Set-Cookie")!.Split(';')[0];
    }
}
