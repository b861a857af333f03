using Microsoft.Extensions.Logging;
using Npgsql;

namespace SolidCache.Lanes;

/// <summary>
/// One connection, and one run at a time over it. Statements with waiting callers stand in line; each time its turn comes, a statement
/// takes everything that waits for it (up to its limits) and sends it as one round trip. There is no timer: the round trip under way
/// is the time in which the next batch gathers.
/// </summary>
/// <remarks>
/// There is no thread of the lane's own either. Whoever finds it idle sends on its own thread, and a lone caller goes on where its answer was
/// read: it pays for no switch that a plain command would not have.
/// </remarks>
internal sealed partial class Lane : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly NpgsqlDataSource _db;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Queue<ILaneQueue> _line = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isRunning;
    private bool _ended;

    // Only the run under way touches these.
    private NpgsqlConnection? _connection;
    private Exception? _lastFailure;
    private long _failedAt;
    private TimeSpan _pause;

    public Lane(NpgsqlDataSource db, TimeProvider clock, ILogger logger) => (_db, _clock, _logger) = (db, clock, logger);

    /// <summary>Counts connections, so that a queue knows whether its command is prepared on the one at hand.</summary>
    public int Generation { get; private set; }

    /// <summary>For a queue that has callers and isn't in line yet.</summary>
    /// <returns>False: the lane has ended.</returns>
    public bool TryEnqueue(ILaneQueue queue)
    {
        lock (_lock)
        {
            if (_ended) return false;
            _line.Enqueue(queue);
            if (_isRunning) return true;
            _isRunning = true;
        }

        // The run serves others too, so nothing of this caller's goes along.
        using (ExecutionContext.SuppressFlow()) _ = RunAsync();
        return true;
    }

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
        lock (_lock)
        {
            _ended = true;
            if (!_isRunning) _idle.TrySetResult();
        }

        await _idle.Task.ConfigureAwait(false);
        await DropAsync().ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (true)
        {
            ILaneQueue queue;
            lock (_lock) queue = _line.Dequeue();
            var answers = _ended ? null : await queue.RunBatchAsync(this).ConfigureAwait(false);
            if (_ended) queue.Abandon();
            if (answers is { Count: > 1 })
            {
                answers.Deliver(continuesHere: false);
                answers = null;
                // To the end of the pool's line, behind the callers who have just got their answers: those who ask again are in the next
                // batch. Sending at once what little waits would send many small batches, each with the cost of a whole one.
                await Task.Yield();
            }

            var isLast = false;
            lock (_lock)
            {
                if (queue.StaysInLine()) _line.Enqueue(queue);
                if (_line.Count == 0)
                {
                    isLast = true;
                    _isRunning = false;
                    if (_ended) _idle.TrySetResult();
                }
            }

            // After the lane is free for others: a lone caller may go on on this thread, for as long as it likes.
            answers?.Deliver(continuesHere: isLast);
            if (isLast) return;
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
    /// <returns>The answers to deliver; null: there are none.</returns>
    ValueTask<IAnswers?> RunBatchAsync(Lane lane);

    /// <summary>Whether callers are left, for another turn.</summary>
    bool StaysInLine();

    /// <summary>The lane has ended: whoever waits is told so, and nobody may come.</summary>
    void Abandon();
}

/// <summary>The answers of one round trip, not yet handed out.</summary>
internal interface IAnswers
{
    int Count { get; }

    /// <param name="continuesHere">The last caller may go on on this thread; all others get one of their own.</param>
    void Deliver(bool continuesHere);
}
