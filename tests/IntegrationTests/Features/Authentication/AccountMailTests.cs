using System.Net;
using System.Text;
using AuthService.Client;
using AuthService.Features.Email;
using IntegrationTests.Features.Email;
using IntegrationTests.Throttling;

namespace IntegrationTests.Features.Authentication;

/// <summary>Forgotten passwords and addresses that are verified: what is told to whom, and what a token is worth.</summary>
public class AccountMailTests(Servers servers) : IClassFixture<Servers>
{
    private const string Anna = "anna1@example.com";

    private readonly CapturedMails _mails = new();

    private CancellationToken Ct => servers.TestTimeout;

    // T40, T41. Look at the account in the request, or enqueue only for those who have one, and this fails.
    [Theory]
    [InlineData("/api/v1/auth/password/forgot")]
    [InlineData("/api/v1/auth/email/resend")]
    public async Task Whoever_asks_for_a_mail_is_answered_alike_and_costs_alike(string path)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database);
        await database.AddUsersAsync("anna", 4, Ct);
        await database.ExecuteAsync(
            """
            UPDATE users SET email_verified = username <> 'anna2';
            UPDATE users SET is_active = false WHERE username = 'anna3';
            UPDATE users SET is_active = false, deleted_at = now() WHERE username = 'anna4';
            """, Ct);
        await VerbatimAsync(node, path, "warm@example.com");
        var seen = new List<string>();
        foreach (var email in new[] { "nobody@example.com", Anna, "ANNA2@example.com", "anna3@example.com", "anna4@example.com" })
        {
            var answer = "";
            var statements = await Statements.CountAsync(database, async () => answer = await VerbatimAsync(node, path, email), Ct);
            Assert.Equal(["Jobs/JobQueue.insert_job"], statements.Keys);
            seen.Add($"{answer}\n{string.Join('\n', statements)}");
        }

        Assert.Single(seen.Distinct(StringComparer.Ordinal));
        Assert.StartsWith("Accepted\n", seen[0], StringComparison.Ordinal);
        // And the mails are for those they are for.
        await node.RunMailsAsync(Ct);
        Assert.Equal(path.EndsWith("forgot", StringComparison.Ordinal) ? [Anna, "anna2@example.com"] : ["anna2@example.com"], _mails.All.Select(m => m.To).Order(StringComparer.Ordinal));
        // Asked many times at once, one is waiting.
        await Race.RunAsync(8, _ => PostAsync(node, path, Anna).StatusAsync());
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM jobs", Ct));
    }

    // Decide in the request whether it is a verification or word of an account, and the request would tell.
    [Fact]
    public async Task A_registration_is_followed_by_a_verification_or_by_word_that_there_is_an_account()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database);
        await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct).StatusAsync();
        Assert.Equal(["verify_email sent"], await node.RunMailsAsync(Ct));
        // Not yet verified: the same mail again, and nothing of what the second one has said of himself in it.
        await RegisterAsync(node, "anna@example.com", "WinMoneyNow", "Win money at evil.example");
        Assert.Equal(["verify_email sent"], await node.RunMailsAsync(Ct));
        Assert.DoesNotContain("money", _mails.Last.Text + _mails.Last.Html, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(HttpStatusCode.NoContent, await node.Http.VerifyAsync(Token(_mails.Last), Ct).StatusAsync());
        Assert.True(await database.ReadAsync<bool>("SELECT email_verified FROM users", Ct));
        await RegisterAsync(node, "anna@example.com", "somebody", null);
        Assert.Equal(["account_exists sent"], await node.RunMailsAsync(Ct));
        Assert.Contains("http://127.0.0.1:8080", _mails.Last.Text, StringComparison.Ordinal);
        Assert.Contains("Hello anna,", _mails.Last.Text, StringComparison.Ordinal);
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'user_updated' AND reason = 'email verified'", Ct));
    }

    [Fact]
    public async Task A_forgotten_password_is_replaced_and_everything_the_old_one_began_is_over()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database);
        var id = await database.AddUserAsync("anna", Ct);
        await database.ExecuteAsync("UPDATE users SET password_stopped_at = now(), temporary_password_until = now() + interval '1 day'", Ct);
        var old = await node.StartSessionAsync(id, Ct);
        var token = await node.ResetTokenAsync(_mails, Anna, Ct);
        var before = await database.ReadAsync<long>("SELECT version FROM users", Ct);

        Assert.Equal(HttpStatusCode.NoContent, await node.Http.ResetAsync(token, MailCalls.NewPassword, Ct).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(old.Tokens.AccessToken, Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(old.Tokens.RefreshToken, Ct).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync(Anna, Account.StandardPassword, Ct).StatusAsync());
        var tokens = await node.Http.LogInAsync(Anna, MailCalls.NewPassword, Ct).TokensAsync(Ct);
        Assert.False(tokens.PasswordChangeRequired);
        Assert.Equal($"true true 1 {before + 1}", await database.ReadAsync<string>("SELECT concat_ws(' ', email_verified::text, (password_stopped_at IS NULL)::text, password_series, version) FROM users", Ct));
        Assert.Equal(1L, await database.ReadAsync<long>($"SELECT count(*) FROM audit_events WHERE type = 'authn_password_change' AND reason = 'forgotten' AND target_id = '{id}'", Ct));
        // The session of before came from nowhere, so the log-in is on a new device.
        Assert.Equal(["password_changed sent", "new_device sent"], await node.RunMailsAsync(Ct));

        // So does a change that its owner makes.
        using (var change = await (await node.SignInAsync(Anna, MailCalls.NewPassword, Ct)).SendAsync(HttpMethod.Post, "/api/v1/auth/password/change",
            new ChangePasswordRequest { CurrentPassword = MailCalls.NewPassword, NewPassword = "another kettle on a red stove" }, Ct)) Assert.Equal(HttpStatusCode.NoContent, change.StatusCode);
        Assert.Contains("password_changed sent", await node.RunMailsAsync(Ct));
    }

    // T48. The token is taken by the statement that sets the password: take it by a look before, and several win.
    [Fact]
    public async Task Of_sixteen_uses_of_one_token_at_once_one_wins()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database);
        await database.AddUserAsync("anna", Ct);
        var token = await node.ResetTokenAsync(_mails, Anna, Ct);
        var statuses = await Race.RunAsync(16, i => node.Http.ResetAsync(token, $"a red kettle on stove {i}", Ct).StatusAsync());
        Assert.Equal(1, statuses.Count(s => s == HttpStatusCode.NoContent));
        Assert.All(statuses.Where(s => s != HttpStatusCode.NoContent), s => Assert.True(s is HttpStatusCode.UnprocessableEntity or HttpStatusCode.ServiceUnavailable, $"{s}"));
        Assert.Equal(1, await database.ReadAsync<int>("SELECT password_series FROM users", Ct));

        await database.ExecuteAsync("UPDATE users SET email_verified = false", Ct);
        await node.Http.ResendAsync(Anna, Ct).StatusAsync();
        await node.RunMailsAsync(Ct);
        var verification = Token(_mails.Last);
        Assert.Equal(1, (await Race.RunAsync(16, _ => node.Http.VerifyAsync(verification, Ct).StatusAsync())).Count(s => s == HttpStatusCode.NoContent));
    }

    // T48, T21. Leave a condition out of set_password.sql and find_token.sql (or of VerifyEmail.take_token.sql), and its row of this fails.
    [Theory]
    [InlineData("UPDATE email_tokens SET expires_at = now() - interval '1 second'")]
    [InlineData("UPDATE users SET password_series = password_series + 1")]                            // the password was changed
    [InlineData("UPDATE users SET email = 'other@example.com', email_verified = false")]              // the address was
    [InlineData("UPDATE users SET is_active = false")]
    [InlineData("UPDATE users SET is_active = false, deleted_at = now()")]
    [InlineData("UPDATE email_tokens SET purpose = CASE purpose WHEN 'verify_email' THEN 'reset_password' ELSE 'verify_email' END")]
    public async Task A_token_is_dead_once_anything_it_was_made_for_has_changed(string change)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database);
        await database.AddUserAsync("anna", Ct);
        var reset = await node.ResetTokenAsync(_mails, Anna, Ct);
        await node.Http.ResendAsync(Anna, Ct).StatusAsync();
        await node.RunMailsAsync(Ct);
        var verification = Token(_mails.Last);
        await database.ExecuteAsync(change, Ct);

        var dead = new List<string>();
        foreach (var token in new[] { reset, "never-made", new string('x', 256), reset + "x" })
        {
            // A weak password with a dead token says no more than a strong one.
            foreach (var password in new[] { MailCalls.NewPassword, "x" })
            {
                using var answer = await node.Http.ResetAsync(token, password, Ct);
                var problem = await answer.ProblemAsync(Ct);
                dead.Add($"{(int)answer.StatusCode} {problem.Code} {problem.Title} {problem.Detail} {problem.Errors?.Count}");
            }
        }

        Assert.Equal(["422 authn.reset_token_not_valid This link has been used, is out of date, or was never good. Ask for another one.  "], dead.Distinct(StringComparer.Ordinal));
        Assert.Equal("authn.verification_token_not_valid", await node.Http.VerifyAsync(verification, Ct).CodeAsync(HttpStatusCode.UnprocessableEntity, Ct));
        Assert.Equal("authn.verification_token_not_valid", await node.Http.VerifyAsync("never-made", Ct).CodeAsync(HttpStatusCode.UnprocessableEntity, Ct));
        Assert.False(await database.ReadAsync<bool>("SELECT email_verified FROM users", Ct));
    }

    // Take the token before the password is looked at, and the third line fails.
    [Fact]
    public async Task A_weak_password_does_not_cost_the_token()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database);
        await database.AddUserAsync("anna", Ct);
        var token = await node.ResetTokenAsync(_mails, Anna, Ct);
        foreach (var weak in new[] { "short", "anna1-anna1-anna1" }) Assert.Equal("http.invalid", await node.Http.ResetAsync(token, weak, Ct).CodeAsync(HttpStatusCode.UnprocessableEntity, Ct));
        Assert.Equal(HttpStatusCode.NoContent, await node.Http.ResetAsync(token, MailCalls.NewPassword, Ct).StatusAsync());
    }

    // Let the oldest live on, or count tries, and this fails.
    [Fact]
    public async Task An_account_has_three_live_tokens_at_most_and_is_sent_so_many_mails_in_an_hour()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Email:MaxPerHour", "4"));
        await database.AddUserAsync("anna", Ct);
        var tokens = new List<string>();
        for (var i = 0; i < 4; i++) tokens.Add(await node.ResetTokenAsync(_mails, Anna, Ct));
        Assert.Equal(3L, await database.ReadAsync<long>("SELECT count(*) FROM email_tokens", Ct));
        Assert.Equal(64, await database.ReadAsync<int>("SELECT max(length(encode(token_hash, 'hex'))) FROM email_tokens", Ct));
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.ForgotAsync(Anna, Ct).StatusAsync());
        Assert.Equal(["reset_password not sent: the account has been sent as many as it may be in an hour"], await node.RunMailsAsync(Ct));
        // Of another kind all the same: whoever floods one keeps no warning from arriving.
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.ResendAsync(Anna, Ct).StatusAsync());
        Assert.Equal(["verify_email sent"], await node.RunMailsAsync(Ct));
        await database.ExecuteAsync("UPDATE email_counts SET began_at = began_at - interval '61 minutes'", Ct);
        await node.ResetTokenAsync(_mails, Anna, Ct);

        Assert.Equal("authn.reset_token_not_valid", await node.Http.ResetAsync(tokens[0], MailCalls.NewPassword, Ct).CodeAsync(HttpStatusCode.UnprocessableEntity, Ct));
        Assert.Equal(HttpStatusCode.NoContent, await node.Http.ResetAsync(tokens[3], MailCalls.NewPassword, Ct).StatusAsync());
    }

    // T46. Count what is good as well, or nothing, and this fails.
    [Fact]
    public async Task Tokens_without_worth_are_limited_by_address_and_a_good_one_works_all_the_same()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Throttling:MailTokenFailuresPerIp", "3"), ("Throttling:MailRequestsPerIp", "2"));
        await database.AddUserAsync("anna", Ct);
        var token = await node.ResetTokenAsync(_mails, Anna, Ct);
        for (var i = 0; i < 3; i++) Assert.Equal(HttpStatusCode.UnprocessableEntity, await (i == 1 ? node.Http.VerifyAsync("x", Ct) : node.Http.ResetAsync("x", MailCalls.NewPassword, Ct)).StatusAsync());
        Assert.Equal("http.too_many_requests", await node.Http.ResetAsync("x", MailCalls.NewPassword, Ct).CodeAsync(HttpStatusCode.TooManyRequests, Ct));
        Assert.Equal("http.too_many_requests", await node.Http.VerifyAsync("x", Ct).CodeAsync(HttpStatusCode.TooManyRequests, Ct));
        Assert.Equal(HttpStatusCode.NoContent, await node.Http.ResetAsync(token, MailCalls.NewPassword, Ct).StatusAsync());

        using (var last = await node.Http.ResendAsync("nobody@example.com", Ct)) Assert.StartsWith("\"mail-requests\";r=0", last.Header("RateLimit"), StringComparison.Ordinal);
        Assert.Equal("http.too_many_requests", await node.Http.ForgotAsync(Anna, Ct).CodeAsync(HttpStatusCode.TooManyRequests, Ct));
        await database.AuditedAsync("excess_rate_limit_exceeded", 1, Ct, "reason = 'mail-requests'");
        await database.AuditedAsync("excess_rate_limit_exceeded", 1, Ct, "reason = 'mail-token-failures'");
    }

    // Tell the owner of every log-in, or of none; ask the cookie alone, or never; and this fails.
    [Fact]
    public async Task A_log_in_on_a_device_that_was_not_seen_before_is_told_to_the_owner()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, ("Http:TrustedProxies", "127.0.0.1"));
        await database.AddUserAsync("anna", Ct);
        await database.ExecuteAsync("UPDATE users SET email_verified = true, display_name = 'Anna <b>'", Ct);
        var cookie = await LogInAsync("198.51.100.7", "Firefox");                       // the first ever
        Assert.Empty(await node.RunMailsAsync(Ct));
        await LogInAsync("198.51.100.200", "Firefox");                                  // the same /24
        Assert.Empty(await node.RunMailsAsync(Ct));
        await LogInAsync("203.0.113.9", "Chrome", cookie);                              // elsewhere, and known
        Assert.Empty(await node.RunMailsAsync(Ct));
        await LogInAsync("203.0.113.9", "Firefox");                                     // another network
        Assert.Equal(["new_device sent"], await node.RunMailsAsync(Ct));
        Assert.Contains("203.0.113.9", _mails.Last.Text, StringComparison.Ordinal);
        Assert.Contains("Anna &lt;b&gt;", _mails.Last.Html, StringComparison.Ordinal);
        await LogInAsync("198.51.100.7", "<script>curl");                               // another program
        Assert.Equal(["new_device sent"], await node.RunMailsAsync(Ct));
        Assert.DoesNotContain("<script", _mails.Last.Html, StringComparison.Ordinal);
        await LogInAsync("2001:db8:1:2::1", "Firefox");
        Assert.Equal(["new_device sent"], await node.RunMailsAsync(Ct));
        await LogInAsync("2001:db8:1:2:ffff::1", "Firefox");                            // the same /64
        Assert.Empty(await node.RunMailsAsync(Ct));
        // All sessions are long gone and purged: nothing is known of where it signs in, and that is told.
        await database.ExecuteAsync("DELETE FROM sessions", Ct);
        await LogInAsync("198.51.100.7", "Firefox");
        Assert.Equal(["new_device sent"], await node.RunMailsAsync(Ct));

        async Task<string> LogInAsync(string ip, string program, string? shown = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/login") { Content = JsonContent.Create(new LoginRequest { Email = Anna, Password = Account.StandardPassword }, WireJson.Default.LoginRequest) };
            request.Headers.Add("X-Forwarded-For", ip);
            request.Headers.TryAddWithoutValidation("User-Agent", program);
            if (shown is not null) request.Headers.Add("Cookie", shown);
            using var answer = await node.Http.SendAsync(request, Ct);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        }
    }

    // T81, T49. Put the token into the job's arguments, its result or an event, or store it as it is, and this fails.
    [Fact]
    public async Task The_database_holds_no_token_that_was_sent()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        string reset, verification;
        await using (var node = await StartAsync(database))
        {
            await database.AddUserAsync("anna", Ct);
            reset = await node.ResetTokenAsync(_mails, Anna, Ct);
            await node.Http.ResendAsync(Anna, Ct).StatusAsync();
            var waiting = await database.DumpAsync(Ct);
            await node.RunMailsAsync(Ct);
            verification = Token(_mails.Last);
            var dump = waiting + await database.DumpAsync(Ct);
            // The control: the hashes are there.
            Assert.Contains(Convert.ToHexStringLower(MailToken.HashOf(reset)), dump, StringComparison.Ordinal);
            foreach (var token in new[] { reset, verification }) AssertAbsent(token, dump);
            await node.Http.ResetAsync(reset, MailCalls.NewPassword, Ct).StatusAsync();
            await node.Http.VerifyAsync(verification, Ct).StatusAsync();
        }

        var after = await database.DumpAsync(Ct);
        foreach (var token in new[] { reset, verification }) AssertAbsent(token, after);
    }

    [Fact]
    public async Task What_is_out_of_date_is_deleted()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database);
        await database.AddUserAsync("anna", Ct);
        await node.ResetTokenAsync(_mails, Anna, Ct);
        var purge = node.Services.GetRequiredService<PurgeEmailTokens>();
        Assert.Equal("0 tokens and 0 counts deleted", await purge.RunAsync(new Progress<string>(), Ct));
        await database.ExecuteAsync("UPDATE email_tokens SET expires_at = now() - interval '1 second'; UPDATE email_counts SET began_at = now() - interval '61 minutes'", Ct);
        Assert.Equal("1 tokens and 1 counts deleted", await purge.RunAsync(new Progress<string>(), Ct));
    }

    // An address that another header or another recipient would come of is refused, not sent to somebody.
    [Fact]
    public async Task An_address_that_can_not_be_written_in_a_mail_gets_none()
    {
        await using var folder = new TestFolder();
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Email:Folder", folder.Path));
        await RegisterAsync(node, "anna<bob@example.com>", "anna", null);
        Assert.True((await node.FailMailAsync(Ct)).IsFinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task The_pages_that_links_lead_to_run_no_script_but_their_own()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        foreach (var (path, type) in new[] { ("/account/verify", "text/html"), ("/account/reset", "text/html"), ("/account/account.js", "text/javascript"), ("/account/account.css", "text/css") })
        {
            using var answer = await node.Http.GetAsync(new Uri(path, UriKind.Relative), Ct);
            Assert.Equal((HttpStatusCode.OK, type), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            Assert.Contains("default-src 'none'; script-src 'self'", answer.Header("Content-Security-Policy"), StringComparison.Ordinal);
            Assert.Equal("no-referrer", answer.Header("Referrer-Policy"));
            Assert.DoesNotMatch("""\son[a-z]+=|\sstyle=|<script(?![^>]* src="/account/)|<style|innerHTML|eval\(|localStorage|sessionStorage|document\.cookie""", await answer.Content.ReadAsStringAsync(Ct));
        }
    }

    private Task<Node> StartAsync(TestDatabase database, params (string Key, string Value)[] settings) =>
        Node.StartAsync(database, Ct, services: services => services.AddSingleton<IEmailTransport>(_mails), settings: settings);

    private static string Token(OutgoingMail mail) => mail.Text.Split('#')[1][..43];

    private async Task RegisterAsync(Node node, string email, string username, string? displayName)
    {
        var request = new RegisterRequest { Email = email, Username = username, DisplayName = displayName, Password = "a yellow bird on a tree" };
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.PostAsJsonAsync("/api/v1/auth/register", request, WireJson.Default.RegisterRequest, Ct).StatusAsync());
    }

    private Task<HttpResponseMessage> PostAsync(Node node, string path, string email) =>
        node.Http.PostAsync(new Uri(path, UriKind.Relative), JsonContent.Create(new ForgotPasswordRequest { Email = email }, WireJson.Default.ForgotPasswordRequest), Ct);

    private async Task<string> VerbatimAsync(Node node, string path, string email)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(new ForgotPasswordRequest { Email = email }, WireJson.Default.ForgotPasswordRequest) };
        request.Headers.Add("X-Request-ID", "the-same-for-all");
        using var answer = await node.Http.SendAsync(request, Ct);
        var headers = answer.Headers.Concat(answer.Content.Headers).Where(header => header.Key is not ("Date" or "RateLimit" or "X-Response-Time")).Select(header => $"{header.Key}: {string.Join(',', header.Value)}");
        return $"{answer.StatusCode}\n{string.Join('\n', headers)}\n{Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync(Ct))}";
    }

    private static void AssertAbsent(string token, string seen)
    {
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(token);
        foreach (var form in new[] { token, Convert.ToHexString(bytes), Convert.ToBase64String(bytes), Convert.ToHexString(Encoding.UTF8.GetBytes(token)) })
            Assert.DoesNotContain(form, seen, StringComparison.OrdinalIgnoreCase);
    }
}
