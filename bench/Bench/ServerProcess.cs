using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Bench;

/// <summary>How to start an HTTP server.</summary>
/// <param name="File">The program.</param>
/// <param name="Arguments">Given the address it shall listen on.</param>
/// <param name="ReadyPath">Answers 2xx once it serves.</param>
/// <param name="Environment">Beside what the bench itself was started with.</param>
internal sealed record ServerProgram(
    string File, Func<Uri, IEnumerable<string>> Arguments, string ReadyPath, IReadOnlyDictionary<string, string> Environment);

/// <summary>A server under load: a process of its own on a free port of this machine.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);

    private readonly ChildProcess _process;

    private ServerProcess(ChildProcess process, HttpClient http) => (_process, Http) = (process, http);

    public HttpClient Http { get; }
    public Uri Address => Http.BaseAddress!;

    /// <summary>From the start of the process to its first "ready".</summary>
    public TimeSpan StartTime { get; private set; }

    public static async Task<ServerProcess> StartAsync(ServerProgram program)
    {
        var http = new HttpClient { BaseAddress = new Uri(Figures.Text($"http://127.0.0.1:{FreePort()}")) };
        var started = Stopwatch.GetTimestamp();
        var process = ChildProcess.Start(program.File, program.Arguments(http.BaseAddress), program.Environment);
        var server = new ServerProcess(process, http);
        while (!await IsReadyAsync(http, program.ReadyPath))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(started) > StartLimit)
            {
                await server.DisposeAsync();
                throw new InvalidOperationException($"{program.File} does not start. {process.LastWords}");
            }

            await Task.Delay(PollInterval, TimeProvider.System);
        }

        server.StartTime = Stopwatch.GetElapsedTime(started);
        return server;
    }

    public long ResidentBytes() => _process.ResidentBytes();

    public int Threads() => _process.Threads();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _process.DisposeAsync();
    }

    public static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, string path)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;   // not listening yet
        }
    }
}
