using Microsoft.Extensions.Logging;

namespace SolidCache.Redis.Resp;

/// <summary>Keeps a connection to one server, or to whichever is the master: makes it anew whenever it is lost, for as long as it takes.</summary>
/// <param name="find">Says where to connect, each time.</param>
/// <param name="pushed">What servers say unasked.</param>
/// <param name="connected">Runs on each new connection before anyone uses it.</param>
internal sealed partial class RedisLink(
    string name, Func<CancellationToken, ValueTask<RedisEndpoint>> find, RedisDialer dialer, RedisCounters counters,
    Action<RespValue> pushed, Action<RespConnection> connected, bool mustBeMaster, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private volatile RespConnection? _current;
    private volatile string? _server;
    private TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _loop = Task.CompletedTask;

    /// <summary>Null: there is none at the moment.</summary>
    public RespConnection? Current => _current is { IsOpen: true } open ? open : null;

    /// <summary>The server it was last connected to; before that, its name.</summary>
    public string Server => _server ?? name;

    public void Start() => _loop = RunAsync(_closing.Token);

    /// <summary>Ends when there is a connection.</summary>
    public Task ConnectedAsync()
    {
        lock (_gate) return Current is null ? _connected.Task : Task.CompletedTask;
    }

    /// <summary>Looks for the server anew: this one has said that it isn't the right one any more.</summary>
    public void LookAgain(string reason) => _current?.Close(reason);

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closing.Dispose();
    }

    private async Task RunAsync(CancellationToken ct)
    {
        var (pause, wasLost, wasThere) = (TimeSpan.Zero, false, false);
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var server = await find(ct).ConfigureAwait(false);
                var connection = await dialer.ConnectAsync(server, pushed, ct).ConfigureAwait(false);
                await using var _ = connection.ConfigureAwait(false);
                if (mustBeMaster) await CheckMasterAsync(connection, server, ct).ConfigureAwait(false);
                _server = server.ToString();
                connected(connection);
                Use(connection);
                if (wasThere) Interlocked.Increment(ref counters.Reconnects);
                if (wasLost) LogBack(_server);
                (pause, wasLost, wasThere) = (TimeSpan.Zero, false, true);
                counters.LastFailure = await connection.Closed.WaitAsync(ct).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                counters.LastFailure = e.Message;
            }

            if (!wasLost) LogLost(Server, counters.LastFailure ?? "");
            wasLost = true;
            pause = pause == TimeSpan.Zero ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            // Not all nodes at once.
            var jittered = pause * (0.5 + (System.Security.Cryptography.RandomNumberGenerator.GetInt32(500) / 1000.0));
            await Task.Delay(jittered, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Use(RespConnection connection)
    {
        TaskCompletionSource waiting;
        lock (_gate)
        {
            _current = connection;
            (waiting, _connected) = (_connected, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        waiting.TrySetResult();
    }

    /// <summary>A Sentinel may not have heard yet that it is one no more.</summary>
    private static async Task CheckMasterAsync(RespConnection connection, RedisEndpoint server, CancellationToken ct)
    {
        var role = await RedisDialer.DoAsync(connection, ct, "ROLE").ConfigureAwait(false);
        if (role.Items.Length == 0 || role.Items.Span[0].AsText() != "master") throw new RedisUnavailableException($"{server} is not the master");
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No connection to Redis at {Server}: {Reason}. It is tried again and again.")]
    private partial void LogLost(string server, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Connected to Redis at {Server} again.")]
    private partial void LogBack(string server);
}
