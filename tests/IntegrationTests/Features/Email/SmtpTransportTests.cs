using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using AuthService.Client;
using IntegrationTests.SolidCache;

namespace IntegrationTests.Features.Email;

public class SmtpTransportTests(Servers servers) : IClassFixture<Servers>
{
    private const string Anna = "anna@example.com";

    private CancellationToken Ct => servers.TestTimeout;

    // The whole way with what an operator has: TLS that is demanded, an account that must be verified, jobs that run by themselves. Send without STARTTLS, and the server takes nothing;
    // leave the check of RequireVerified out, and the first log-in succeeds; end no sessions, and the last line fails.
    [Fact]
    public async Task Register_verify_sign_in_forget_reset_over_STARTTLS()
    {
        var ct = new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token;
        await using var folder = new TestFolder();
        var certificate = MailServer.CreateCertificate(folder);
        await using var server = await MailServer.StartAsync(ct, certificate);
        await using var database = await servers.CreateDatabaseAsync(ct);
        var metrics = $"http://127.0.0.1:{ServiceProcess.FreePort()}";
        await using var service = await ServiceProcess.StartAsync(
            ServiceProcess.Settings(database, new byte[32], [.. MailServer.SettingsOf(server.Port).Select(s => $"--{s.Key}={s.Value}"), "--Email:SmtpStartTls=true", "--Email:RequireVerified=true",
                "--Email:PublicUrl=https://auth.example.com", "--Logging:LogLevel:Default=Debug", $"--Telemetry:MetricsUrl={metrics}"]),
            ct, environment: new Dictionary<string, string>(StringComparer.Ordinal) { ["SSL_CERT_FILE"] = certificate.Certificate });
        var http = service.Http;

        Assert.Equal(HttpStatusCode.Accepted, await http.RegisterAsync("anna", Account.StandardPassword, ct).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await http.LogInAsync(Anna, Account.StandardPassword, ct).StatusAsync());
        var verification = await server.MailAsync(1);
        Assert.Equal((Anna, "X-Tls: True"), (verification.To, verification.Raw.Split('\n')[0]));
        Assert.Contains($"https://auth.example.com/account/verify#{verification.Token}", verification.Text, StringComparison.Ordinal);
        Assert.Contains($"\"https://auth.example.com/account/verify#{verification.Token}\"", verification.Html, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, await http.VerifyAsync(verification.Token!, ct).StatusAsync());
        var old = await http.LogInAsync(Anna, Account.StandardPassword, ct).TokensAsync(ct);

        using (var forgot = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/password/forgot") { Content = JsonContent.Create(new ForgotPasswordRequest { Email = "ANNA@example.com" }, WireJson.Default.ForgotPasswordRequest) })
        {
            forgot.Headers.Add("Accept-Language", "ko-KR,ko;q=0.9");
            forgot.Headers.Add("X-Forwarded-Host", "evil.example");
            forgot.Headers.Host = "evil.example";
            Assert.Equal(HttpStatusCode.Accepted, await http.SendAsync(forgot, ct).StatusAsync());
        }

        var reset = await server.MailAsync(2);
        Assert.Equal("AuthService 비밀번호 재설정", reset.Subject);
        Assert.Contains("비밀번호를 잊었다는 요청", reset.Text, StringComparison.Ordinal);
        // T72
        Assert.DoesNotContain("evil", reset.Raw, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, await http.ResetAsync(reset.Token!, MailCalls.NewPassword, ct).StatusAsync());
        Assert.Equal("Your password for AuthService was changed", (await server.MailAsync(3)).Subject);

        Assert.Equal(HttpStatusCode.Unauthorized, await http.LogInAsync(Anna, Account.StandardPassword, ct).StatusAsync());
        await http.LogInAsync(Anna, MailCalls.NewPassword, ct).TokensAsync(ct);
        Assert.Equal(HttpStatusCode.Unauthorized, await http.UseAsync(old.AccessToken, ct));
        Assert.Equal(HttpStatusCode.Unauthorized, await http.RefreshAsync(old.RefreshToken, ct).StatusAsync());

        // T49, T81: not in the log at its most talkative, in no table, in no metric.
        var seen = service.Output + await database.DumpAsync(ct) + await http.GetStringAsync(new Uri(metrics + "/metrics"), ct);
        Assert.Contains("account_mail", seen, StringComparison.Ordinal);
        foreach (var token in new[] { verification.Token!, reset.Token! }) AssertAbsent(token, seen);
        Assert.DoesNotContain(Anna, service.Output, StringComparison.OrdinalIgnoreCase);
    }

    // The answer of the server names the address; pass its words on, or take every refusal for the last word, and this fails.
    [Theory]
    [InlineData("550 5.1.1 no such user", true, "550")]
    [InlineData("553 5.1.3 bad address", true, "553")]
    [InlineData("450 4.2.1 try again later", false, "450")]
    [InlineData("452 4.2.2 full", false, "452")]
    public async Task A_refused_recipient_is_final_where_the_server_says_so(string answer, bool isFinal, string code)
    {
        await using var server = await MailServer.StartAsync(Ct, recipient: answer);
        var failure = await FailAsync(server.Settings);
        Assert.Equal((isFinal, true), (failure.IsFinal, failure.Message.Contains(code, StringComparison.Ordinal)));
        Assert.Empty(server.Mails);
    }

    // Without STARTTLS on the other side, or with a certificate nobody vouches for, nothing is sent, also not in plain text: switch EnableSsl off, or accept any certificate, and the mail is there.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_whose_TLS_is_missing_or_not_good_gets_no_mail(bool offersTls)
    {
        await using var folder = new TestFolder();
        await using var server = await MailServer.StartAsync(Ct, offersTls ? MailServer.CreateCertificate(folder) : null);
        var failure = await FailAsync([.. MailServer.SettingsOf(server.Port), ("Email:SmtpStartTls", "true")]);
        Assert.False(failure.IsFinal);
        Assert.Empty(server.Mails);
    }

    [Fact]
    public async Task A_server_that_is_not_there_fails_the_try()
    {
        var failure = await FailAsync(MailServer.SettingsOf(ServiceProcess.FreePort()));
        Assert.Equal((false, true), (failure.IsFinal, failure.Message.StartsWith("the mail server can't be used: ", StringComparison.Ordinal)));
    }

    // Wait for the framework's own end instead of ours (WaitAsync), and each of these hangs.
    [Theory]
    [InlineData("silent")]
    [InlineData("a byte a second")]
    [InlineData("a greeting without end")]
    [InlineData("silent after the greeting")]
    public async Task A_server_that_takes_for_ever_fails_the_try_at_its_limit(string how)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var stop = new CancellationTokenSource();
        var serving = ServeAsync(listener, how, stop.Token);
        var began = Stopwatch.GetTimestamp();
        var failure = await FailAsync(MailServer.SettingsOf(((IPEndPoint)listener.LocalEndpoint).Port, "00:00:01"));
        Assert.Equal((false, "the mail server did not take it within 1 s"), (failure.IsFinal, failure.Message));
        // From its start the node takes some of these; the mail takes one.
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(15));
        // The connection is gone, not only given up: the other side is told.
        await serving.WaitAsync(TimeSpan.FromSeconds(20), Ct);
        await stop.CancelAsync();
    }

    // Tried again by the node itself, and told once for each try. Mark the failure as final, and the mail never comes.
    [Fact]
    public async Task A_mail_that_found_no_server_goes_out_when_there_is_one()
    {
        var port = ServiceProcess.FreePort();
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var log = new RecordedLog();
        await using var node = await Node.StartAsync(database, Ct, services: services => services.AddLogging(logging => logging.AddProvider(log.AsProvider())),
            settings: [.. MailServer.SettingsOf(port), ("Jobs:Enabled", "true"), ("Jobs:FirstRetryDelay", "00:00:00.1"), ("Jobs:MaxRetryDelay", "00:00:00.5")]);
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct).StatusAsync());
        await Eventually.TrueAsync(async () => await database.ReadAsync<int>("SELECT max(try) FROM jobs", Ct) > 2, TimeSpan.FromSeconds(30));

        await using var server = await MailServer.StartAsync(Ct, port: port);
        var mail = await server.MailAsync(1);
        await Eventually.TrueAsync(async () => await database.ReadAsync<string>("SELECT state || ' ' || coalesce(result, '') FROM jobs", Ct) == "succeeded verify_email sent", TimeSpan.FromSeconds(20));
        // A try that failed left a token nobody has; the one that was sent works.
        Assert.Equal(HttpStatusCode.NoContent, await node.Http.VerifyAsync(mail.Token!, Ct).StatusAsync());
        Assert.True(await database.ReadAsync<long>("SELECT count(*) FROM email_tokens", Ct) <= 2);

        var failed = await database.ReadAsync<int>("SELECT jsonb_array_length(failed_tries) FROM jobs", Ct);
        var told = log.Lines.Where(l => l.Text.Contains("account_mail", StringComparison.Ordinal) && l.Level >= LogLevel.Warning).ToList();
        Assert.Equal(failed, told.Count);
        Assert.DoesNotContain(Anna, string.Concat(log.Lines.Select(l => l.Text)), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Anna, await database.ReadAsync<string>("SELECT failed_tries::text FROM jobs", Ct), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The failure of one mail, which must not name its recipient.</summary>
    private async Task<AuthService.Jobs.JobFailedException> FailAsync((string Key, string Value)[] settings)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: settings);
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct).StatusAsync());
        var failure = await node.FailMailAsync(Ct);
        Assert.DoesNotContain("anna", failure.ToString(), StringComparison.OrdinalIgnoreCase);
        return failure;
    }

    /// <returns>When the other side has gone.</returns>
    private static async Task ServeAsync(TcpListener listener, string how, CancellationToken ct)
    {
        using var client = await listener.AcceptTcpClientAsync(ct);
        await using var stream = client.GetStream();
        var writing = WriteAsync();
        var buffer = new byte[1_024];
        try
        {
            while (await stream.ReadAsync(buffer, ct) > 0)
            {
                // Whatever it says is not answered.
            }
        }
        catch (IOException)
        {
            // Gone without a good-bye.
        }

        await writing;

        async Task WriteAsync()
        {
            try
            {
                if (how == "silent after the greeting") await stream.WriteAsync("220 localhost\r\n"u8.ToArray(), ct);
                while (how == "a greeting without end") await stream.WriteAsync(Encoding.ASCII.GetBytes("220-localhost " + new string('x', 400) + "\r\n"), ct);
                foreach (var b in how == "a byte a second" ? "220 localhost this is a long greeting\r\n"u8.ToArray() : [])
                {
                    await stream.WriteAsync(new[] { b }, ct);
                    await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, ct);
                }
            }
            catch (IOException)
            {
                // It has hung up.
            }
        }
    }

    private static void AssertAbsent(string token, string seen)
    {
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(token);
        foreach (var form in new[] { token, Convert.ToHexString(bytes), Convert.ToBase64String(bytes), Convert.ToHexString(Encoding.UTF8.GetBytes(token)) })
            Assert.DoesNotContain(form, seen, StringComparison.OrdinalIgnoreCase);
    }
}
