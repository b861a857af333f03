using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace SolidCache.Lanes;

/// <summary>
/// One connection and one loop. Statements with waiting callers stand in line; each time its turn comes, a statement takes
/// everything that waits for it (up to its limits) and sends it as one round trip. There is no timer: the round trip under way is
/// the time in which the next batch gathers, so a lone caller waits for nothing.
/// </summary>
internal sealed partial class Lane : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly NpgsqlDataSource _db;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Channel<ILaneQueue> _ready = Channel.CreateUnbounded<ILaneQueue>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;

    private NpgsqlConnection? _connection;
    private Exception? _lastFailure;
    private long _failedAt;
    private TimeSpan _pause;

    public Lane(NpgsqlDataSource db, TimeProvider clock, ILogger logger)
    {
        (_db, _clock, _logger) = (db, clock, logger);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Counts connections, so that a queue knows whether its command is prepared on the one at hand.</summary>
    public int Generation { get; private set; }

    /// <summary>A queue that has callers and isn't in line yet.</summary>
    public bool TryEnqueue(ILaneQueue queue) => _ready.Writer.TryWrite(queue);

    /// <summary>The open connection, made anew if it broke.</summary>
    /// <exception cref="NpgsqlException">PostgreSQL can't be reached. Between attempts the last failure is thrown at once.</exception>
    public async ValueTask<NpgsqlConnection> ConnectAsync()
    {
        if (_connection is { FullState: System.Data.ConnectionState.Open } open) return open;
        if (_lastFailure is not null && _clock.GetElapsedTime(_failedAt) < _pause)
            throw new NpgsqlException($"PostgreSQL could not be reached a moment ago: {_lastFailure.Message}", _lastFailure);
        await DropAsync().ConfigureAwait(false);
        try
        {
            _connection = await _db.OpenConnectionAsync().ConfigureAwait(false);
            Generation++;
            if (_lastFailure is not null) LogConnected();
            _lastFailure = null;
            _pause = TimeSpan.Zero;
            return _connection;
        }
        catch (Exception e)
        {
            if (_lastFailure is null) LogUnreachable(e);
            _lastFailure = e;
            _failedAt = _clock.GetTimestamp();
            _pause = _pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks));
            throw;
        }
    }

    /// <summary>Whether what went wrong is the connection's end rather than the statement's.</summary>
    public bool IsBroken => _connection is not { FullState: System.Data.ConnectionState.Open };

    /// <summary>Gives a connection up whose state nobody can vouch for.</summary>
    public async ValueTask DropAsync()
    {
        if (_connection is not { } connection) return;
        _connection = null;
        try
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It was broken already.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _ready.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        await DropAsync().ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        await foreach (var queue in _ready.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (await queue.RunBatchAsync(this).ConfigureAwait(false) && !_ready.Writer.TryWrite(queue)) queue.Abandon();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A lane can't reach PostgreSQL; it goes on trying.")]
    private partial void LogUnreachable(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "A lane has reached PostgreSQL again.")]
    private partial void LogConnected();
}

/// <summary>What stands in line at a lane: the callers of one statement.</summary>
internal interface ILaneQueue
{
    /// <summary>Sends what waits. Never throws: failures are the callers'.</summary>
    /// <returns>Whether callers are left, for another turn.</returns>
    ValueTask<bool> RunBatchAsync(Lane lane);

    /// <summary>The lane has ended: whoever waits is told so, and nobody may come.</summary>
    void Abandon();
}
