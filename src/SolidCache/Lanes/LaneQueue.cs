using System.Diagnostics;
using Npgsql;

namespace SolidCache.Lanes;

/// <summary>The callers of one statement on one lane.</summary>
internal sealed class LaneQueue<TRequest, TResult>(BatchedStatement<TRequest, TResult> statement, Lane lane, SideRuns side) : ILaneQueue
{
    private const long MaxQueuedBytes = 64L << 20;
    private const long MaxBatchBytes = 4L << 20;

    private readonly Lock _lock = new();
    private readonly Queue<LaneRequest<TRequest, TResult>> _waiting = new();
    private long _waitingBytes;
    private bool _inLine;
    private bool _ended;

    // Only the lane's loop touches these.
    private NpgsqlCommand? _command;
    private NpgsqlParameter[] _parameters = [];
    private int _preparedFor;

    /// <summary>Callers that wait for their batch to be sent; a moment old.</summary>
    public int Waiting => _waiting.Count;

    /// <exception cref="LaneFullException">Too many wait already.</exception>
    /// <exception cref="ObjectDisposedException">The lane has ended.</exception>
    public Task<TResult> ExecuteAsync(TRequest request, CancellationToken ct)
    {
        var waiting = new LaneRequest<TRequest, TResult>(request, statement.Weigh(request), ct);
        var joinsLine = false;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_ended, typeof(LaneSet));
            if (_waiting.Count >= statement.MaxQueued || (_waitingBytes + waiting.Weight > MaxQueuedBytes && _waiting.Count > 0))
            {
                waiting.Leave();
                throw new LaneFullException(statement.Name);
            }

            _waiting.Enqueue(waiting);
            _waitingBytes += waiting.Weight;
            if (!_inLine) joinsLine = _inLine = true;
        }

        if (joinsLine && !Gathering.Holds(lane, this) && !lane.TryEnqueue(this)) Abandon();
        return waiting.Task;
    }

    public ValueTask<IAnswers?> RunBatchAsync(Lane lane)
    {
        var taken = Take();
        if (taken.Count == 0) return new ValueTask<IAnswers?>(default(IAnswers));
        LaneTelemetry.Batch(statement.Name, taken.Count, Stopwatch.GetElapsedTime(taken[0].EnqueuedAt));
        return RunAsync(lane, taken);
    }

    public bool StaysInLine()
    {
        lock (_lock) return _inLine = _waiting.Count > 0;
    }

    public void Abandon()
    {
        LaneRequest<TRequest, TResult>[] left;
        lock (_lock)
        {
            _ended = true;
            left = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var request in left) request.TryFail(new ObjectDisposedException(nameof(LaneSet)));
    }

    private List<LaneRequest<TRequest, TResult>> Take()
    {
        var bytes = 0L;
        lock (_lock)
        {
            var taken = new List<LaneRequest<TRequest, TResult>>(Math.Min(_waiting.Count, statement.MaxBatch));
            while (taken.Count < statement.MaxBatch && _waiting.TryPeek(out var next))
            {
                if (taken.Count > 0 && bytes + next.Weight > MaxBatchBytes) break;
                _waiting.Dequeue();
                _waitingBytes -= next.Weight;
                // Whoever has left is not asked for any more; the others don't notice.
                if (next.HasLeft) continue;
                bytes += next.Weight;
                taken.Add(next);
            }

            return taken;
        }
    }

    private async ValueTask<IAnswers?> RunAsync(Lane lane, List<LaneRequest<TRequest, TResult>> requests)
    {
        for (var attempt = 0; ; attempt++)
        {
            var batch = BatchRun.Gather(requests);
            using var activity = LaneTelemetry.StartActivity(statement.Name, requests);
            try
            {
                var connection = await lane.ConnectAsync().ConfigureAwait(false);
                var command = await PrepareAsync(lane, connection).ConfigureAwait(false);
                await BatchRun.ExecuteAsync(statement, command, _parameters, batch).ConfigureAwait(false);
                return new Answers<TRequest, TResult>(requests, batch);
            }
            catch (Exception e)
            {
                if (!lane.IsBroken && e is PostgresException)
                {
                    // One of them spoils it for all, or waits for a lock that somebody holds: each for itself, beside the lane.
                    if (requests.Count > 1 || BatchRun.MayTakeLonger(e)) side.Start(statement, requests);
                    else requests[0].TryFail(e);
                    return null;
                }

                await lane.DropAsync().ConfigureAwait(false);
                // The server was restarted, or a proxy closed what was idle: the first to notice need not fail for it.
                if (attempt == 0 && lane.Generation > 0 && statement.IsRepeatable && e is NpgsqlException { InnerException: not TimeoutException }) continue;
                // The statement's own code failed for one of them. What has written already must not write again.
                if (e is not (NpgsqlException or TimeoutException or OperationCanceledException or IOException) && requests.Count > 1 && (!batch.HasRun || statement.IsRepeatable))
                {
                    side.Start(statement, requests);
                    return null;
                }

                foreach (var request in requests) request.TryFail(e);
                return null;
            }
        }
    }

    private async ValueTask<NpgsqlCommand> PrepareAsync(Lane lane, NpgsqlConnection connection)
    {
        if (_command is not null && _preparedFor == lane.Generation) return _command;
        if (_command is not null) await _command.DisposeAsync().ConfigureAwait(false);
        _command = null;
        (_command, _parameters) = await BatchRun.PrepareAsync(statement, connection).ConfigureAwait(false);
        _preparedFor = lane.Generation;
        return _command;
    }
}
