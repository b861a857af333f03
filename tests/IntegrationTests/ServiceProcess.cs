using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using IntegrationTests.SolidCache.Freshness;

namespace IntegrationTests;

/// <summary>The service as a process of its own, for what can only be done to a process: killing it.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = [];

    private ServiceProcess(Process process, string address)
    {
        _process = process;
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(address) };
    }

    public HttpClient Http { get; }
    public int Id => _process.Id;

    /// <summary>What it has written so far, as one text.</summary>
    public string Output => string.Join('\n', _output);

    /// <param name="settings">At least where the database is and the master key that processes share; see <see cref="Settings"/>.</param>
    /// <param name="port">Of a process that this one takes the place of; null: a free one.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    /// <param name="readsOutput">False: nobody reads its standard output until <see cref="ReadOutput"/>.</param>
    public static async Task<ServiceProcess> StartAsync(
        IReadOnlyCollection<string> settings, CancellationToken ct, int? port = null, IReadOnlyDictionary<string, string>? environment = null, bool readsOutput = true)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port ?? FreePort()}");
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!, "authservice.dll"));
        start.ArgumentList.Add("serve");
        foreach (var setting in settings) start.ArgumentList.Add(setting);
        start.ArgumentList.Add("--urls=" + address);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal)) start.Environment[name] = value;
        var process = Process.Start(start)!;
        var service = new ServiceProcess(process, address);
        // Read: what else is in the process might block on a full pipe.
        process.OutputDataReceived += (_, line) => service._output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => service._output.Enqueue(line.Data ?? "");
        if (readsOutput) service.ReadOutput();
        process.BeginErrorReadLine();
        await Eventually.TrueAsync(() => service.IsReadyAsync(ct), StartLimit);
        return service;
    }

    /// <summary>Settings of processes that stand side by side on one database.</summary>
    public static string[] Settings(TestDatabase database, byte[] masterKey, params string[] more) =>
        [$"--ConnectionStrings:Primary={database.ConnectionString}", $"--Tokens:MasterKey={Convert.ToBase64String(masterKey)}", "--Logging:LogLevel:Default=Error", .. more];

    /// <summary>Begins to read what it writes.</summary>
    public void ReadOutput() => _process.BeginOutputReadLine();

    /// <summary>As <c>kill -9</c>: nothing in the process gets to say a word.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>As a service manager does it: SIGTERM. Returns when the process has ended.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync(CancellationToken ct)
    {
        await Signals.SendAsync(Id, "TERM");
        await _process.WaitForExitAsync(ct);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited) await KillAsync();
        _process.Dispose();
    }

    private async Task<bool> IsReadyAsync(CancellationToken ct)
    {
        if (_process.HasExited) throw new InvalidOperationException($"The service ended with code {_process.ExitCode}.");
        try
        {
            using var answer = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative), ct);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    internal static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
