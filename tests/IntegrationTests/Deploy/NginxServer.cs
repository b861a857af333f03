using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IntegrationTests.Deploy;

/// <summary>An nginx of a test's own with the files of <c>deploy/nginx</c>: only addresses and paths are put in.</summary>
internal sealed class NginxServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly TestFolder _folder;
    private readonly Process _process;

    private NginxServer(TestFolder folder, Process process, int port) => (_folder, _process, Address) = (folder, process, new Uri(FormattableString.Invariant($"http://127.0.0.1:{port}")));

    public Uri Address { get; }

    /// <summary>What has been logged, as one text.</summary>
    public string Log => File.ReadAllText(Path.Combine(_folder.Path, "error.log"));

    /// <param name="replace">Changes a shipped file; for controls.</param>
    public static async Task<NginxServer> StartAsync(IReadOnlyList<Uri> nodes, CancellationToken ct, Func<string, string>? replace = null)
    {
        var (folder, port) = (new TestFolder(), FreePort());
        Write(folder, "upstream.conf", WithNodes(Shipped("upstream.conf"), nodes), replace);
        Write(folder, "locations.conf", Shipped("locations.conf"), replace);
        Write(folder, "nginx.conf", Around(folder, FormattableString.Invariant($$"""
            include upstream.conf;
            server {
                listen 127.0.0.1:{{port}};
                add_header X-Node $upstream_addr;
                include locations.conf;
            }
            """)));
        var process = Process.Start(Command(folder))!;
        var server = new NginxServer(folder, process, port);
        try
        {
            await Eventually.TrueAsync(() => process.HasExited ? throw new InvalidOperationException($"nginx ended: {server.Log}") : CanConnect(port), StartLimit);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary><c>nginx -t</c> over all files as they are shipped, with a certificate that was just made.</summary>
    /// <returns>The exit code, and what it said.</returns>
    public static async Task<(int Code, string Said)> CheckAsync(Func<string, string>? replace, CancellationToken ct)
    {
        await using var folder = new TestFolder();
        foreach (var name in new[] { "upstream.conf", "locations.conf", "authservice.conf", "protected-app.conf" })
        {
            Write(folder, name, Shipped(name).Replace("/etc/ssl/", folder.Path + "/", StringComparison.Ordinal)
                .Replace("/etc/nginx/authservice/", folder.Path + "/", StringComparison.Ordinal), replace);
        }

        using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        using (var certificate = new CertificateRequest("CN=auth.example.com", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100)))
        {
            await File.WriteAllTextAsync(Path.Combine(folder.Path, "auth.example.com.crt"), certificate.ExportCertificatePem(), ct);
            await File.WriteAllTextAsync(Path.Combine(folder.Path, "auth.example.com.key"), key.ExportPkcs8PrivateKeyPem(), ct);
        }

        Write(folder, "nginx.conf", Around(folder, "include upstream.conf; include authservice.conf; include protected-app.conf;"));
        using var process = Process.Start(Command(folder, "-t"))!;
        var said = await process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        return (process.ExitCode, said);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using (var stop = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) await stop.WaitForExitAsync();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        await _folder.DisposeAsync();
    }

    private static string Shipped(string name) => ShippedFiles.Read("nginx", name);

    private static string WithNodes(string upstream, IReadOnlyList<Uri> nodes) => nodes
        .Select((node, i) => (From: FormattableString.Invariant($"10.0.0.1{i + 1}:8080"), To: node.Authority))
        .Aggregate(upstream, (text, change) =>
        {
            Assert.Contains(change.From, text, StringComparison.Ordinal);
            return text.Replace(change.From, change.To, StringComparison.Ordinal);
        });

    private static void Write(TestFolder folder, string name, string text, Func<string, string>? replace = null) =>
        File.WriteAllText(Path.Combine(folder.Path, name), replace?.Invoke(text) ?? text);

    private static string Around(TestFolder folder, string http) => $$"""
        {{(Environment.UserName == "root" ? "user root;" : "")}}
        daemon off;
        worker_processes 2;
        pid {{folder.Path}}/nginx.pid;
        error_log {{folder.Path}}/error.log warn;
        events { }
        http {
            access_log off;
            client_body_temp_path {{folder.Path}}/body;
            proxy_temp_path {{folder.Path}}/proxy;
            fastcgi_temp_path {{folder.Path}}/fastcgi;
            uwsgi_temp_path {{folder.Path}}/uwsgi;
            scgi_temp_path {{folder.Path}}/scgi;
            {{http}}
        }
        """;

    private static ProcessStartInfo Command(TestFolder folder, params string[] more)
    {
        string[] places = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin"];
        var program = places.Select(p => Path.Combine(p, "nginx")).FirstOrDefault(File.Exists) ?? throw new InvalidOperationException("There is no nginx: ./dev setup installs it.");
        string[] arguments = ["-p", folder.Path, "-c", Path.Combine(folder.Path, "nginx.conf"), "-e", Path.Combine(folder.Path, "error.log"), .. more];
        return new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = more.Length > 0 };
    }

    private static bool CanConnect(int port)
    {
        using var socket = new TcpClient();
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
