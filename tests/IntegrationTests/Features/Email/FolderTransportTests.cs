using System.Globalization;
using System.Net;
using AuthService.Client;

namespace IntegrationTests.Features.Email;

public class FolderTransportTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // What a mail program opens: write it with another umask, leave the folder behind that it is written in, or encode the text, and this fails.
    [Fact]
    public async Task A_mail_is_a_file_that_nobody_else_may_read_and_whose_link_can_be_copied()
    {
        await using var folder = new TestFolder();
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var mails = Path.Combine(folder.Path, "mails");
        await using var node = await Node.StartAsync(database, Ct, settings: ("Email:Folder", mails));
        using (var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/register"))
        {
            request.Content = JsonContent.Create(new RegisterRequest { Email = "anna@example.com", Username = "anna", Password = Account.StandardPassword, DisplayName = "안나" }, WireJson.Default.RegisterRequest);
            request.Headers.Add("Accept-Language", "ko");
            Assert.Equal(HttpStatusCode.Accepted, await node.Http.SendAsync(request, Ct).StatusAsync());
        }

        Assert.Equal(["verify_email sent"], await node.RunMailsAsync(Ct));
        var file = Assert.Single(Directory.GetFileSystemEntries(mails));
        Assert.EndsWith(".eml", file, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(mails));
        var mail = ReceivedMail.Read(file);
        Assert.Equal("anna@example.com", mail.To);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:8080/account/verify#{mail.Token}"), mail.Raw, StringComparison.Ordinal);
        Assert.Contains("본인의 주소가 맞다면", mail.Raw, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, await node.Http.VerifyAsync(mail.Token!, Ct).StatusAsync());
    }

    [Fact]
    public async Task A_folder_that_can_not_be_written_fails_the_try()
    {
        await using var folder = new TestFolder();
        var file = Path.Combine(folder.Path, "a file");
        await File.WriteAllTextAsync(file, "", Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Email:Folder", Path.Combine(file, "mails")));
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct).StatusAsync());
        var failure = await node.FailMailAsync(Ct);
        Assert.Equal((false, true), (failure.IsFinal, failure.Message.StartsWith("Email:Folder can't be written", StringComparison.Ordinal)));
    }
}
