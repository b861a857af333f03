using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IntegrationTests.Features.Email;

/// <summary>A real mail server (Debian's python3-aiosmtpd) on this machine, as a process of its own.</summary>
internal sealed class MailServer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TestFolder _folder;

    private MailServer(Process process, TestFolder folder, int port) => (_process, _folder, Port) = (process, folder, port);

    public int Port { get; }

    /// <summary>Without TLS.</summary>
    public (string Key, string Value)[] Settings => SettingsOf(Port);

    public static (string Key, string Value)[] SettingsOf(int port, string timeLimit = "00:00:10") =>
    [
        ("Email:Transport", "Smtp"), ("Email:SmtpHost", "localhost"), ("Email:SmtpPort", port.ToString(CultureInfo.InvariantCulture)), ("Email:SmtpStartTls", "false"),
        ("Email:SmtpTimeLimit", timeLimit),
    ];

    /// <param name="certificate">Files of a certificate and its key: the server demands STARTTLS.</param>
    /// <param name="recipient">What every recipient is answered with, such as <c>550 5.1.1 no such user</c>; null: each is taken.</param>
    /// <param name="port">0: a free one.</param>
    public static async Task<MailServer> StartAsync(CancellationToken ct, (string Certificate, string Key)? certificate = null, string? recipient = null, int port = 0)
    {
        var folder = new TestFolder();
        // Debian's own, whichever comes first in the path.
        var start = new ProcessStartInfo("/usr/bin/python3") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(RepositoryFolder(), "tests", "IntegrationTests", "Features", "Email", "mail_server.py"));
        start.ArgumentList.Add(folder.Path);
        start.ArgumentList.Add(port.ToString(CultureInfo.InvariantCulture));
        if (certificate is var (file, key)) foreach (var argument in new[] { "--tls", file, key }) start.ArgumentList.Add(argument);
        if (recipient is not null) foreach (var argument in new[] { "--recipient", recipient }) start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync(ct) ?? throw new InvalidOperationException("The mail server does not start. Is python3-aiosmtpd installed (./dev setup)?");
        return new MailServer(process, folder, int.Parse(line, CultureInfo.InvariantCulture));
    }

    /// <summary>Mails so far, in the order they came.</summary>
    public ReceivedMail[] Mails => [.. Directory.GetFiles(_folder.Path, "*.eml").Order(StringComparer.Ordinal).Select(ReceivedMail.Read)];

    /// <summary>The mail of this number, when it has come.</summary>
    public async Task<ReceivedMail> MailAsync(int number)
    {
        await Eventually.TrueAsync(() => Mails.Length >= number, TimeSpan.FromSeconds(30), $"{number} mails");
        return Mails[number - 1];
    }

    /// <summary>A certificate for <c>localhost</c> that signs itself: good for whoever is told to trust it.</summary>
    public static (string Certificate, string Key) CreateCertificate(TestFolder folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var (file, keyFile) = (Path.Combine(folder.Path, "certificate.pem"), Path.Combine(folder.Path, "key.pem"));
        File.WriteAllText(file, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (file, keyFile);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        await _folder.DisposeAsync();
    }

    private static string RepositoryFolder()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
