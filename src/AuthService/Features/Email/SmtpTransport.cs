using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using System.Security.Authentication;
using AuthService.Jobs;

namespace AuthService.Features.Email;

/// <summary>
/// Hands mails over to a server: one connection for each. With <see cref="EmailOptions.SmtpStartTls"/> a server without STARTTLS, or with a certificate that isn't good
/// for its name, gets nothing.
/// </summary>
internal sealed class SmtpTransport(EmailOptions options, TimeProvider clock) : IEmailTransport
{
    public async Task SendAsync(OutgoingMail mail, CancellationToken ct)
    {
        using var message = Compose(mail);
        using var client = new SmtpClient(options.SmtpHost, options.SmtpPort)
        {
            EnableSsl = options.SmtpStartTls,
            DeliveryFormat = SmtpDeliveryFormat.International,   // addresses outside of ASCII, where the server takes them
            UseDefaultCredentials = false,
            Credentials = EmailOptions.IsNone(options.SmtpUser) ? null : new NetworkCredential(options.SmtpUser, options.SmtpPassword),
        };
        using var limit = new CancellationTokenSource(options.SmtpTimeLimit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        var sending = client.SendMailAsync(message, either.Token);
        try
        {
            // It heeds neither its own time limit nor, while it waits for an answer, the token: what is left behind ends with the connection, when the client is disposed of.
            await sending.WaitAsync(either.Token);
        }
        catch (Exception e) when (Refusal(e, limit.IsCancellationRequested, ct) is { } refusal)
        {
            // Looked at, so that nobody reports it as unobserved.
            _ = sending.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw new JobFailedException(refusal.Reason) { IsFinal = refusal.IsFinal };
        }
    }

    private MailMessage Compose(OutgoingMail mail)
    {
        try
        {
            return MimeMail.Compose(options, mail);
        }
        catch (FormatException)
        {
            throw new JobFailedException("the account's address can't be written in a mail") { IsFinal = true };
        }
    }

    /// <summary>Never with the server's own words: they tend to repeat the address.</summary>
    private (string Reason, bool IsFinal)? Refusal(Exception e, bool isOver, CancellationToken ct)
    {
        if (isOver) return (string.Create(CultureInfo.InvariantCulture, $"the mail server did not take it within {options.SmtpTimeLimit.TotalSeconds:0.###} s"), false);
        if (ct.IsCancellationRequested) return null;
        return e switch
        {
            SmtpFailedRecipientException { StatusCode: var status } => (string.Create(CultureInfo.InvariantCulture, $"the mail server refused the recipient: {(int)status}"), (int)status is >= 500 and < 600),
            SmtpException { StatusCode: not SmtpStatusCode.GeneralFailure and var status } => (string.Create(CultureInfo.InvariantCulture, $"the mail server refused: {(int)status}"), false),
            // Not there, not TLS, not a certificate for its name, not SMTP, gone half-way.
            SmtpException or IOException or InvalidOperationException or OperationCanceledException or FormatException or SocketException or AuthenticationException =>
                ($"the mail server can't be used: {(e.InnerException ?? e).GetType().Name}", false),
            _ => null,
        };
    }
}
