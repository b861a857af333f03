using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace IntegrationTests.SolidCache.Redis;

/// <summary>A Redis of one test, on a port of its own: it can be paused, killed, started again, and told what it needs to be told.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const int MostStarts = 5;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly TestFolder _folder = new();
    private readonly string[] _settings;
    private readonly string? _sentinel;
    private Process? _process;

    private RedisServer(string[] settings, string? sentinel) => (_settings, _sentinel) = (settings, sentinel);

    public int Port { get; private set; }

    /// <summary><c>127.0.0.1:port</c>.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    public string Folder => _folder.Path;

    /// <param name="settings">As on redis-server's command line: <c>--requirepass</c>, <c>secret</c>, …</param>
    public static Task<RedisServer> StartAsync(CancellationToken ct, params string[] settings) => StartAsync(sentinel: null, settings, ct);

    /// <param name="configuration">What the file of a Sentinel says besides its port.</param>
    public static Task<RedisServer> StartSentinelAsync(string configuration, CancellationToken ct) => StartAsync(configuration, [], ct);

    private static async Task<RedisServer> StartAsync(string? sentinel, string[] settings, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            // Between the look for a free port and its use somebody else may take it.
            var server = new RedisServer(settings, sentinel) { Port = FreePort() };
            try
            {
                await server.StartProcessAsync(ct);
                return server;
            }
            catch (InvalidOperationException) when (attempt < MostStarts)
            {
                await server.DisposeAsync();
            }
        }
    }

    /// <summary>Nothing gets through to it, nothing comes from it; connections stay.</summary>
    public void Pause() => Signal("STOP");

    public void Resume() => Signal("CONT");

    /// <summary>As <c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>On the same port, with what its file has (after <c>SAVE</c>) or nothing.</summary>
    public async Task RestartAsync(CancellationToken ct)
    {
        await KillAsync();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await StartProcessAsync(ct);
                return;
            }
            catch (InvalidOperationException) when (attempt < MostStarts)
            {
                await KillAsync();   // the port may be in use for a moment still
            }
        }
    }

    /// <summary>What <c>redis-cli</c> prints.</summary>
    public Task<string> CliAsync(CancellationToken ct, params string[] arguments) =>
        RunAsync("redis-cli", ["-p", Port.ToString(CultureInfo.InvariantCulture), "--no-auth-warning", .. arguments], ct);

    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken ct)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await using var kill = ct.UnsafeRegister(static p => ((Process)p!).Kill(), process);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(ct), process.StandardError.ReadToEndAsync(ct));
        await process.WaitForExitAsync(ct);
        return ((await output) + (await errors)).TrimEnd();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await _folder.DisposeAsync();
    }

    private async Task StartProcessAsync(CancellationToken ct)
    {
        var start = new ProcessStartInfo(Program(Folder)) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Folder };
        string[] own = ["--bind", "127.0.0.1", "--port", Port.ToString(CultureInfo.InvariantCulture), "--dir", Folder, "--pidfile", Path.Combine(Folder, "redis.pid")];
        string[] arguments = [.. own, "--save", "", "--appendonly", "no", "--enable-debug-command", "yes", .. _settings];
        if (_sentinel is not null)
        {
            // It writes into its file what it learns, so it needs one, and first.
            var file = Path.Combine(Folder, "sentinel.conf");
            if (!File.Exists(file)) await File.WriteAllTextAsync(file, _sentinel, ct);
            arguments = [file, "--sentinel", .. own];
        }

        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        var lastWords = "";
        _process.OutputDataReceived += (_, line) => lastWords = line.Data ?? lastWords;
        _process.ErrorDataReceived += (_, line) => lastWords = line.Data ?? lastWords;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.TrueAsync(async () =>
        {
            if (_process.HasExited) throw new InvalidOperationException($"Redis ended: {lastWords}");
            // Else somebody else's server answers on the port, and ours is about to find out.
            if (!await IsItselfAsync(ct)) return false;
            using var socket = new TcpClient();
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, Port, ct);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }, StartLimit);
    }

    /// <summary>Whether this very process has come so far as to write its number down, which it does after it has the port.</summary>
    private async Task<bool> IsItselfAsync(CancellationToken ct)
    {
        var file = Path.Combine(Folder, "redis.pid");
        return File.Exists(file) && (await File.ReadAllTextAsync(file, ct)).Trim() == _process!.Id.ToString(CultureInfo.InvariantCulture);
    }

    private void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-" + name, _process!.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Debian's redis-tools has the server under another name, without the service that redis-server would install and start.</summary>
    private static string Program(string folder)
    {
        var places = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        string? Find(string name) => places.Select(p => Path.Combine(p, name)).FirstOrDefault(File.Exists);
        if (Find("redis-server") is { } server) return server;
        var tool = Find("redis-check-rdb") ?? throw new InvalidOperationException("There is no redis-server: ./dev setup installs it.");
        var link = Path.Combine(folder, "redis-server");
        if (!File.Exists(link)) File.CreateSymbolicLink(link, tool);
        return link;
    }

    private static int FreePort()
    {
        // Below the ports that outgoing connections are given, and with room for a cluster's second one at 10,000 more.
        for (var i = 0; i < 200; i++)
        {
            var port = System.Security.Cryptography.RandomNumberGenerator.GetInt32(12_000, 22_000);
            if (IsFree(port) && IsFree(port + 10_000)) return port;
        }

        throw new InvalidOperationException("No port is free.");

        static bool IsFree(int port)
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }
}
