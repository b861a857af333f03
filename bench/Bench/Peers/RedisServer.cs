using System.Net;
using System.Net.Sockets;

namespace Bench.Peers;

/// <summary>A Redis for one run: in memory only, on a free port of this machine.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    private readonly ChildProcess _process;
    private readonly int _port;

    private RedisServer(ChildProcess process, int port) => (_process, _port) = (process, port);

    public int Port => _port;

    public string Url => Figures.Text($"redis://127.0.0.1:{_port}");

    /// <param name="folder">Made for it.</param>
    /// <param name="port">Of one that has been stopped; null: a free one.</param>
    /// <returns>Null where Redis is not installed.</returns>
    public static async Task<RedisServer?> StartAsync(string folder, int? port = null)
    {
        Directory.CreateDirectory(folder);
        if (FindProgram(folder) is not { } program) return null;
        var at = port ?? ServerProcess.FreePort();
        var process = ChildProcess.Start(program, ["--bind", "127.0.0.1", "--port", Figures.Text($"{at}"), "--save", "", "--appendonly", "no", "--dir", folder], []);
        while (!await IsListeningAsync(at))
        {
            if (process.HasExited) throw new InvalidOperationException("Redis does not start. " + process.LastWords);
            await Task.Delay(PollInterval, TimeProvider.System);
        }

        return new RedisServer(process, at);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>
    /// Debian's redis-tools has the server under another name, without the service that redis-server would install and start: one
    /// program that goes by the name it is called.
    /// </summary>
    private static string? FindProgram(string folder)
    {
        var places = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        string? Find(string name) => places.Select(p => Path.Combine(p, name)).FirstOrDefault(File.Exists);
        if (Find("redis-server") is { } server) return server;
        if (Find("redis-check-rdb") is not { } tool) return null;
        var link = Path.Combine(folder, "redis-server");
        if (!File.Exists(link)) File.CreateSymbolicLink(link, tool);
        return link;
    }

    private static async Task<bool> IsListeningAsync(int port)
    {
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
