using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SolidCache.Redis.Resp;

namespace IntegrationTests.SolidCache.Redis;

/// <summary>What a proxy does with what a server says. Connections stay up, unless it says otherwise.</summary>
internal enum Passage
{
    All,

    /// <summary>Published messages get lost on the way.</summary>
    LoseMessages,

    /// <summary>They come twice.</summary>
    DoubleMessages,

    /// <summary>They wait until this is over, and come in reverse order then.</summary>
    HoldMessages,

    /// <summary>All that is said, by either side, comes a few milliseconds late.</summary>
    Slow,

    /// <summary>Nothing comes through either way, and nobody is told: a line that is dead at one end. What was on its way is lost with the connection.</summary>
    Nothing,
}

/// <summary>Stands between clients and a server, and knows where one reply ends and the next begins.</summary>
internal sealed class RedisProxy : IAsyncDisposable
{
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(5);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<Line> _lines = [];
    private readonly Lock _gate = new();
    private readonly int _serverPort;
    private readonly Task _accepting;
    private volatile Passage _passage;
    private int _messages;

    private RedisProxy(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect: <c>127.0.0.1:port</c>.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Published messages it has seen, whatever became of them.</summary>
    public int Messages => Volatile.Read(ref _messages);

    public static RedisProxy Before(RedisServer server) => new(server.Port);

    /// <summary>From the next reply on.</summary>
    public async Task SetAsync(Passage passage)
    {
        _passage = passage;
        if (passage == Passage.Nothing) return;
        foreach (var line in Lines()) await line.ReleaseAsync();
    }

    /// <summary>Ends every connection in the middle of its next reply.</summary>
    public void CutWithinReply()
    {
        foreach (var line in Lines()) line.CutsNext = true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        foreach (var line in Lines()) line.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private Line[] Lines()
    {
        lock (_gate) return [.. _lines];
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                _ = ServeAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var line = new Line(this, client);
        lock (_gate) _lines.Add(line);
        try
        {
            await line.RunAsync(_serverPort, _stop.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException or RespException)
        {
            // One of the ends has gone, or was cut off.
        }
        finally
        {
            lock (_gate) _lines.Remove(line);
        }
    }

    /// <summary>One client's connection and the one made for it.</summary>
    private sealed class Line(RedisProxy proxy, Socket client) : IDisposable
    {
        private readonly Socket _server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly SemaphoreSlim _toClient = new(1, 1);
        private readonly List<byte[]> _held = [];

        public volatile bool CutsNext;

        public async Task RunAsync(int serverPort, CancellationToken ct)
        {
            client.NoDelay = true;
            await _server.ConnectAsync(IPAddress.Loopback, serverPort, ct);
            await await Task.WhenAny(CommandsAsync(ct), RepliesAsync(ct));
        }

        /// <summary>Gives out what was held back.</summary>
        public async Task ReleaseAsync()
        {
            await _toClient.WaitAsync();
            try
            {
                for (var i = _held.Count - 1; i >= 0; i--) await client.SendAsync(_held[i]);
                _held.Clear();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It has gone meanwhile.
            }
            finally
            {
                _toClient.Release();
            }
        }

        public void Dispose()
        {
            client.Dispose();
            _server.Dispose();
        }

        private async Task CommandsAsync(CancellationToken ct)
        {
            var buffer = new byte[64 << 10];
            while (await client.ReceiveAsync(buffer, ct) is > 0 and var count)
            {
                await PassAsync(ct);
                await _server.SendAsync(buffer.AsMemory(0, count), ct);
            }
        }

        private async Task RepliesAsync(CancellationToken ct)
        {
            var (buffer, reader, unread, reply) = (new byte[64 << 10], new RespReader(new RespLimits()), new List<byte>(), new List<byte>());
            while (await _server.ReceiveAsync(buffer, ct) is > 0 and var count)
            {
                unread.AddRange(buffer.AsSpan(0, count));
                while (TryTakeReply(reader, unread, reply, out var isMessage))
                {
                    var bytes = reply.ToArray();
                    reply.Clear();
                    if (!await SendAsync(bytes, isMessage, ct)) return;
                }
            }
        }

        private async Task<bool> SendAsync(byte[] reply, bool isMessage, CancellationToken ct)
        {
            await PassAsync(ct);
            if (isMessage) Interlocked.Increment(ref proxy._messages);
            await _toClient.WaitAsync(ct);
            try
            {
                if (CutsNext)
                {
                    await client.SendAsync(reply.AsMemory(0, reply.Length / 2), ct);
                    return false;
                }

                switch (proxy._passage)
                {
                    case Passage.LoseMessages when isMessage: return true;
                    case Passage.HoldMessages when isMessage: _held.Add(reply); return true;
                    case Passage.DoubleMessages when isMessage: await client.SendAsync(reply, ct); break;
                }

                await client.SendAsync(reply, ct);
                return true;
            }
            finally
            {
                _toClient.Release();
            }
        }

        private async Task PassAsync(CancellationToken ct)
        {
            if (proxy._passage == Passage.Nothing) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            if (proxy._passage == Passage.Slow) await Task.Delay(Delay, TimeProvider.System, ct);
        }

        /// <summary>Moves what belongs to one reply from what was received.</summary>
        private static bool TryTakeReply(RespReader reader, List<byte> unread, List<byte> reply, out bool isMessage)
        {
            var bytes = unread.ToArray();
            var input = new SequenceReader<byte>(new ReadOnlySequence<byte>(bytes));
            var isWhole = reader.TryRead(ref input, out var value);
            reply.AddRange(bytes.AsSpan(0, (int)input.Consumed));
            unread.RemoveRange(0, (int)input.Consumed);
            isMessage = isWhole && value.Type == RespType.Push && value.Items.Length > 0 && value.Items.Span[0].AsText() == "message";
            return isWhole;
        }
    }
}
