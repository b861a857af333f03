using System.Net;
using AuthService.Client;
using AuthService.Features.Email;
using AuthService.Jobs;

namespace IntegrationTests.Features.Email;

/// <summary>What a client does with mails, and jobs run by the test instead of a node that has the time.</summary>
internal static class MailCalls
{
    public const string NewPassword = "a red kettle on no stove";

    public static Task<HttpResponseMessage> ForgotAsync(this HttpClient http, string email, CancellationToken ct) =>
        http.PostAsJsonAsync("/api/v1/auth/password/forgot", new ForgotPasswordRequest { Email = email }, WireJson.Default.ForgotPasswordRequest, ct);

    public static Task<HttpResponseMessage> ResendAsync(this HttpClient http, string email, CancellationToken ct) =>
        http.PostAsJsonAsync("/api/v1/auth/email/resend", new ResendVerificationRequest { Email = email }, WireJson.Default.ResendVerificationRequest, ct);

    public static Task<HttpResponseMessage> ResetAsync(this HttpClient http, string token, string password, CancellationToken ct) =>
        http.PostAsJsonAsync("/api/v1/auth/password/reset", new ResetPasswordRequest { Token = token, NewPassword = password }, WireJson.Default.ResetPasswordRequest, ct);

    public static Task<HttpResponseMessage> VerifyAsync(this HttpClient http, string token, CancellationToken ct) =>
        http.PostAsJsonAsync("/api/v1/auth/email/verify", new VerifyEmailRequest { Token = token }, WireJson.Default.VerifyEmailRequest, ct);

    /// <summary>Runs every mail that waits, once, and takes its job away.</summary>
    /// <returns>What each says it came to.</returns>
    public static async Task<string[]> RunMailsAsync(this Node node, CancellationToken ct)
    {
        var job = node.Services.GetServices<IJob>().Single(j => j.Kind == SendAccountMail.JobKind);
        var results = new List<string>();
        var waiting = await node.Database.ReadAsync<string[]>("SELECT coalesce(array_agg(arguments::text ORDER BY enqueued_at, id), '{}') FROM jobs WHERE kind = 'account_mail' AND state = 'waiting'", ct);
        await node.Database.ExecuteAsync("DELETE FROM jobs WHERE kind = 'account_mail' AND state = 'waiting'", ct);
        foreach (var arguments in waiting) results.Add((await job.RunAsync(new JobRun(Guid.CreateVersion7(), 1, arguments), ct))!);
        return [.. results];
    }

    /// <summary>The failure of the one mail that waits, which stays.</summary>
    public static async Task<JobFailedException> FailMailAsync(this Node node, CancellationToken ct)
    {
        var job = node.Services.GetServices<IJob>().Single(j => j.Kind == SendAccountMail.JobKind);
        var arguments = await node.Database.ReadAsync<string>("SELECT arguments::text FROM jobs WHERE kind = 'account_mail'", ct);
        return await Assert.ThrowsAsync<JobFailedException>(() => job.RunAsync(new JobRun(Guid.CreateVersion7(), 1, arguments), ct));
    }

    /// <summary>Asks for a link for this account's password.</summary>
    /// <returns>Its token, out of the mail.</returns>
    public static async Task<string> ResetTokenAsync(this Node node, CapturedMails mails, string email, CancellationToken ct)
    {
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.ForgotAsync(email, ct).StatusAsync());
        await node.RunMailsAsync(ct);
        return mails.Last.Text.Split('#')[1][..43];
    }
}

/// <summary>Keeps mails instead of sending them.</summary>
internal sealed class CapturedMails : IEmailTransport
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<OutgoingMail> _mails = new();

    public OutgoingMail[] All => [.. _mails];
    public OutgoingMail Last => _mails.Last();

    public Task SendAsync(OutgoingMail mail, CancellationToken ct)
    {
        _mails.Enqueue(mail);
        return Task.CompletedTask;
    }
}
