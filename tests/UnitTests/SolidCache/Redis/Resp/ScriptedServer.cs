using System.Net;
using System.Net.Sockets;
using System.Text;
using SolidCache.Redis.Resp;

namespace UnitTests.SolidCache.Redis.Resp;

/// <summary>
/// A server on the loopback that answers <c>GET x</c> with <c>x</c>, when it is told to: the test decides which commands are answered, and in which pieces.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SemaphoreSlim _received = new(0);
    private readonly Queue<string> _unanswered = new();
    private NetworkStream? _client;
    private Task _reading = Task.CompletedTask;

    public RespConnection Connection { get; private set; } = null!;

    public RedisCounters Counters { get; } = new();

    public static async Task<ScriptedServer> StartAsync(TimeSpan commandTimeout, TimeProvider clock)
    {
        var server = new ScriptedServer();
        server._listener.Start();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var accepting = server._listener.AcceptSocketAsync();
        await socket.ConnectAsync(server._listener.LocalEndpoint);
        server._client = new NetworkStream(await accepting, ownsSocket: true);
        server.Connection = new RespConnection(new NetworkStream(socket, ownsSocket: true), commandTimeout, clock, server.Counters, _ => { });
        server.Connection.Start();
        server._reading = server.ReadAsync();
        return server;
    }

    /// <summary>Returns when so many more commands have come.</summary>
    public async Task ReceivedAsync(int count)
    {
        for (var i = 0; i < count; i++) Assert.True(await _received.WaitAsync(TimeSpan.FromSeconds(20)), "The command did not come.");
    }

    /// <summary>Answers the oldest commands that have no answer.</summary>
    public async Task AnswerAsync(int count)
    {
        var answers = new StringBuilder();
        lock (_unanswered)
        {
            for (var i = 0; i < count; i++)
            {
                var key = _unanswered.Dequeue();
                answers.Append(FormattableString.Invariant($"${Encoding.UTF8.GetByteCount(key)}\r\n{key}\r\n"));
            }
        }

        await SendAsync(answers.ToString());
    }

    public async Task SendAsync(string wire) => await _client!.WriteAsync(Encoding.UTF8.GetBytes(wire));

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await _client!.DisposeAsync();
        _listener.Dispose();
        await _reading;
        _received.Dispose();
    }

    /// <summary>Commands look like replies: arrays of strings.</summary>
    private async Task ReadAsync()
    {
        var (reader, input) = (new RespReader(new RespLimits()), System.IO.Pipelines.PipeReader.Create(_client!));
        try
        {
            while (true)
            {
                var read = await input.ReadAsync();
                input.AdvanceTo(Take(reader, read.Buffer), read.Buffer.End);
                if (read.IsCompleted) return;
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The other side has gone.
        }
    }

    private SequencePosition Take(RespReader reader, System.Buffers.ReadOnlySequence<byte> buffer)
    {
        var input = new System.Buffers.SequenceReader<byte>(buffer);
        while (reader.TryRead(ref input, out var command))
        {
            lock (_unanswered) _unanswered.Enqueue(command.Items.Span[^1].AsText() ?? "");
            _received.Release();
        }

        return input.Position;
    }
}
