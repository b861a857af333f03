using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace IntegrationTests.Telemetry;

/// <summary>A Prometheus of one test, with the rules that ship, in seconds where they say minutes.</summary>
internal sealed partial class PrometheusServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly TestFolder _folder = new();
    private readonly HttpClient _http;
    private readonly string _address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePort()}");
    private Process? _process;

    private PrometheusServer() => _http = new HttpClient { BaseAddress = new Uri($"http://{_address}") };

    /// <param name="target">Host and port that serve <c>/metrics</c>.</param>
    public static async Task<PrometheusServer> StartAsync(string target, CancellationToken ct)
    {
        var server = new PrometheusServer();
        var folder = server._folder.Path;
        await File.WriteAllTextAsync(Path.Combine(folder, "rules.yml"), InSeconds(await File.ReadAllTextAsync(Shipped("rules.yml"), ct)), ct);
        var settings = (await File.ReadAllTextAsync(Shipped("prometheus.yml"), ct))
            .Replace("authservice:9464", target, StringComparison.Ordinal)
            .Replace("interval: 15s", "interval: 500ms", StringComparison.Ordinal).Replace("scrape_timeout: 10s", "scrape_timeout: 500ms", StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), settings, ct);
        server._process = Process.Start(new ProcessStartInfo(
            Program("prometheus"),
            [$"--config.file={folder}/prometheus.yml", $"--storage.tsdb.path={folder}/data", $"--web.listen-address={server._address}", "--enable-feature=exemplar-storage", "--log.level=error"])
        { UseShellExecute = false, RedirectStandardError = true });
        server._process!.ErrorDataReceived += (_, _) => { };
        server._process.BeginErrorReadLine();
        await Eventually.TrueAsync(() => server.IsReadyAsync(ct), StartLimit);
        return server;
    }

    /// <summary>Runs promtool; fails unless it is content.</summary>
    /// <returns>What it said.</returns>
    public static async Task<string> CheckAsync(string[] arguments, string? input, CancellationToken ct)
    {
        using var tool = Process.Start(new ProcessStartInfo(Program("promtool"), arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(Shipped("rules.yml")),
        })!;
        var said = Task.WhenAll(tool.StandardOutput.ReadToEndAsync(ct), tool.StandardError.ReadToEndAsync(ct));
        if (input is not null) await tool.StandardInput.WriteAsync(input);
        tool.StandardInput.Close();
        var text = string.Join('\n', await said).Trim();
        await tool.WaitForExitAsync(ct);
        Assert.True(tool.ExitCode == 0, $"promtool {string.Join(' ', arguments)}: {text}");
        return text;
    }

    /// <summary>What a query returns: a series each.</summary>
    /// <param name="at">The moment it is about; null: now.</param>
    public async Task<JsonArray> QueryAsync(string expression, CancellationToken ct, DateTimeOffset? at = null)
    {
        var moment = at is { } time ? string.Create(CultureInfo.InvariantCulture, $"&time={time.ToUnixTimeMilliseconds() / 1000.0:F3}") : "";
        var answer = await _http.GetFromJsonAsync<JsonNode>(new Uri($"/api/v1/query?query={Uri.EscapeDataString(expression)}{moment}", UriKind.Relative), ct);
        Assert.Equal("success", answer!["status"]!.GetValue<string>());
        return answer["data"]!["result"]!.AsArray();
    }

    public async Task<bool> IsFiringAsync(string alert, CancellationToken ct) => (await QueryAsync($$"""ALERTS{alertname="{{alert}}",alertstate="firing"}""", ct)).Count > 0;

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_process is not null)
        {
            if (!_process.HasExited) _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        await _folder.DisposeAsync();
    }

    public static string Shipped(string file) => Path.Combine(Repository(), "deploy", "prometheus", file);

    public static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No repository here.");
        return folder;
    }

    /// <summary>Below the ports that outgoing connections are given: nobody takes it by chance before its server does.</summary>
    public static int FreePort()
    {
        while (true)
        {
            using var socket = new TcpListener(IPAddress.Loopback, RandomNumberGenerator.GetInt32(23_000, 32_000));
            try
            {
                socket.Start();
                return ((IPEndPoint)socket.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // The next one.
            }
        }
    }

    internal static string InSeconds(string rules) => Waits().Replace(Windows().Replace(rules, "[5s]"), "for: 1s");

    /// <summary>Installed, or where <c>./dev setup</c> has put it.</summary>
    private static string Program(string name)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append(Path.Combine(Repository(), "artifacts", "prometheus", "usr", "bin"));
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists) ?? throw new InvalidOperationException($"{name} is missing: run ./dev setup.");
    }

    private async Task<bool> IsReadyAsync(CancellationToken ct)
    {
        if (_process!.HasExited) throw new InvalidOperationException($"Prometheus ended with code {_process.ExitCode}.");
        try
        {
            using var answer = await _http.GetAsync(new Uri("/-/ready", UriKind.Relative), ct);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"\[\d+m\]")]
    private static partial Regex Windows();

    [GeneratedRegex(@"for: \d+m")]
    private static partial Regex Waits();
}
