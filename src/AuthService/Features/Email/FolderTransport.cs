using System.Globalization;
using System.Net.Mail;
using AuthService.Jobs;

namespace AuthService.Features.Email;

/// <summary>
/// Writes each mail into a file that a mail program opens: <c>20261128-231500-JOB.eml</c>. A file is there as a whole or not at all. Nobody but the service's account may read them: they hold links that let
/// whoever has them in.
/// </summary>
internal sealed class FolderTransport(EmailOptions options, string folder, TimeProvider clock) : IEmailTransport
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>As a full path.</summary>
    public string Folder { get; } = Path.GetFullPath(folder);

    public async Task SendAsync(OutgoingMail mail, CancellationToken ct)
    {
        try
        {
            await WriteAsync(mail, ct);
        }
        catch (FormatException)
        {
            throw new JobFailedException("the account's address can't be written in a mail") { IsFinal = true };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException || e is SmtpException { InnerException: IOException or UnauthorizedAccessException })
        {
            throw new JobFailedException($"Email:Folder can't be written: {(e.InnerException ?? e).GetType().Name}");
        }
    }

    private async Task WriteAsync(OutgoingMail mail, CancellationToken ct)
    {
        using var message = MimeMail.Compose(options, mail);
        // Read by people and their editors: not encoded where it need not be.
        foreach (var view in message.AlternateViews) view.TransferEncoding = System.Net.Mime.TransferEncoding.EightBit;
        CreateFolder(Folder);
        var unfinished = Path.Combine(Folder, "." + Path.GetRandomFileName());
        CreateFolder(unfinished);
        try
        {
            using var client = new SmtpClient { DeliveryMethod = SmtpDeliveryMethod.SpecifiedPickupDirectory, PickupDirectoryLocation = unfinished, DeliveryFormat = SmtpDeliveryFormat.International };
            await client.SendMailAsync(message, ct);
            var name = string.Create(CultureInfo.InvariantCulture, $"{clock.GetUtcNow():yyyyMMdd-HHmmss}-{mail.Id:N}.eml");
            var written = Directory.GetFiles(unfinished)[0];
            File.SetUnixFileMode(written, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.Move(written, Path.Combine(Folder, name), overwrite: true);
        }
        finally
        {
            Directory.Delete(unfinished, recursive: true);
        }
    }

    private static void CreateFolder(string path) => Directory.CreateDirectory(path, OwnerOnly);
}
