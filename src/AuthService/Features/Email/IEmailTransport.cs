using System.Net.Mail;

namespace AuthService.Features.Email;

/// <summary>A mail that is ready to leave.</summary>
/// <param name="Id">Of its job: stands in <c>Message-ID</c>, so that who gets it twice can tell.</param>
internal sealed record OutgoingMail(Guid Id, string To, string Subject, string Text, string Html);

/// <summary>Where mails go.</summary>
internal interface IEmailTransport
{
    /// <summary>Returns when the mail is somebody else's to deliver.</summary>
    /// <exception cref="Jobs.JobFailedException">It is not, for a reason that is no bug; final if the server will never take mail for this address.</exception>
    Task SendAsync(OutgoingMail mail, CancellationToken ct);
}

/// <summary>Mails as the framework writes them: multipart/alternative, UTF-8.</summary>
internal static class MimeMail
{
    private const int LongestSubject = 200;

    /// <exception cref="FormatException">The recipient is no bare address.</exception>
    public static MailMessage Compose(EmailOptions options, OutgoingMail mail)
    {
        // "a<b@c>" would be read as a name and another address.
        if (!EmailOptions.IsAddress(mail.To)) throw new FormatException();
        var from = new MailAddress(options.FromAddress, options.FromName, System.Text.Encoding.UTF8);
        var message = new MailMessage(from, new MailAddress(mail.To)) { Subject = OneLine(mail.Subject), SubjectEncoding = System.Text.Encoding.UTF8, HeadersEncoding = System.Text.Encoding.UTF8 };
        // The last alternative is the one that is shown where it can be.
        message.AlternateViews.Add(View(mail.Text, "text/plain"));
        message.AlternateViews.Add(View(mail.Html, "text/html"));
        message.Headers.Add("Message-ID", $"<{mail.Id:N}@{from.Host}>");
        message.Headers.Add("Auto-Submitted", "auto-generated");   // RFC 3834: no answer from machines
        return message;
    }

    /// <summary>What would end a header line is a space.</summary>
    public static string OneLine(string text)
    {
        var line = MailTemplate.Line(text);
        return line.Length <= LongestSubject ? line : line[..LongestSubject];
    }

    private static AlternateView View(string text, string type)
    {
        var view = AlternateView.CreateAlternateViewFromString(text, System.Text.Encoding.UTF8, type);
        view.TransferEncoding = System.Net.Mime.TransferEncoding.QuotedPrintable;
        return view;
    }
}
