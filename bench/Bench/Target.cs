using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using AuthService.Client;
using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Bench;

/// <summary>The service as it ships, in a process of its own on a private PostgreSQL in a folder that goes away.</summary>
internal sealed class Target : IAsyncDisposable
{
    public const string Password = "a seeded password for load";

    private readonly string _folder;
    private readonly PrivatePostgres _server;
    private Process? _process;

    private Target(string folder, PrivatePostgres server)
    {
        (_folder, _server) = (folder, server);
        Db = NpgsqlDataSource.Create(server.ConnectionString);
        Http = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}")) };
    }

    public HttpClient Http { get; }
    public NpgsqlDataSource Db { get; }
    public string ConnectionString => _server.ConnectionString;

    public static async Task<Target> CreateAsync(int users)
    {
        // The shipped settings, fsync included.
        var folder = Directory.CreateTempSubdirectory("authservice-bench-").FullName;
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        var target = new Target(folder, await PrivatePostgres.StartAsync(folder, NullLogger.Instance, CancellationToken.None));
        try
        {
            await target.CommandAsync("seed", "--users", users.ToString(CultureInfo.InvariantCulture), "--password", Password);
            return target;
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the service on the database that is up.</summary>
    /// <returns>How long until <c>/health/ready</c> said yes.</returns>
    public async Task<TimeSpan> StartAsync()
    {
        var started = Stopwatch.GetTimestamp();
        _process = Start("serve", "--urls", Http.BaseAddress!.ToString());
        while (true)
        {
            try
            {
                using var answer = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative));
                if (answer.IsSuccessStatusCode) return Stopwatch.GetElapsedTime(started);
            }
            catch (HttpRequestException)
            {
                // not listening yet
            }

            if (_process.HasExited || Stopwatch.GetElapsedTime(started).TotalSeconds > 60) throw new InvalidOperationException("The service does not start.");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }
    }

    public long ResidentBytes()
    {
        _process!.Refresh();
        return _process.WorkingSet64;
    }

    public async Task StopAsync()
    {
        if (_process is not { } process) return;
        _process = null;
        using (process)
        {
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await process.WaitForExitAsync();
        }
    }

    /// <summary>Signs in u1, u2, … and returns their tokens.</summary>
    public async Task<TokenResponse[]> SignInAsync(int count)
    {
        var tokens = new TokenResponse[count];
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var n && n <= count)
            {
                using var answer = await Http.PostAsJsonAsync("/api/v1/auth/login",
                    new LoginRequest { Email = $"u{n}@example.com", Password = Password }, WireJson.Default.LoginRequest);
                tokens[n - 1] = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(WireJson.Default.TokenResponse))!;
            }
        }));
        return tokens;
    }

    public string InFolder(string name) => Path.Combine(_folder, name);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Http.Dispose();
        await Db.DisposeAsync();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task CommandAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"authservice {arguments[0]} ended with {process.ExitCode}.");
    }

    private Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine("artifacts", "authservice", "authservice")) { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["ConnectionStrings__Primary"] = _server.ConnectionString;
        start.Environment["Tokens__MasterKeyFile"] = InFolder("master.key");
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
