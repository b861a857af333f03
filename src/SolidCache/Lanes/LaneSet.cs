using Microsoft.Extensions.Logging;
using Npgsql;

namespace SolidCache.Lanes;

/// <summary>
/// The lanes of a process: a few connections over which many callers' statements travel in batches. Register statements of your own
/// with <see cref="Add"/>, once each, and keep what it returns.
/// </summary>
/// <remarks>
/// Thread-safe. Failures of the server are the callers': a batch that fails is run again one by one beside the lane, so only those
/// at fault fail (but not where <see cref="BatchedStatement{TRequest,TResult}.Read"/> throws and the statement isn't repeatable: it has
/// run, and all fail); after a broken connection repeatable statements are sent once more; while PostgreSQL is away callers
/// fail at once instead of waiting. Statements run with <c>statement_timeout</c> 250 ms, beside the lane with 30 s, by plans that are
/// made once, without their parameters, and read no table as a whole where there is an index.
/// Source: docs/cache/lanes.md.
/// </remarks>
public sealed class LaneSet : IAsyncDisposable
{
    private readonly Lane[] _lanes;
    private readonly SideRuns _side;

    internal LaneSet(LaneConnections connections, int count, TimeProvider clock, ILogger logger)
    {
        _lanes = [.. Enumerable.Range(0, count).Select(_ => new Lane(connections.Lanes, clock, logger))];
        _side = new SideRuns(connections.Side);
    }

    /// <summary>Connections the lanes hold.</summary>
    public int Count => _lanes.Length;

    /// <summary>Puts a statement on all lanes. Nothing is sent before it is called.</summary>
    /// <typeparam name="TRequest">What one caller asks.</typeparam>
    /// <typeparam name="TResult">What one caller gets.</typeparam>
    /// <param name="statement">Used by all lanes at once.</param>
    /// <exception cref="ArgumentException">Its name or limits are out of range.</exception>
    public BatchedCall<TRequest, TResult> Add<TRequest, TResult>(BatchedStatement<TRequest, TResult> statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        if (statement.Name is not { Length: >= 1 and <= 63 }) throw new ArgumentException("A statement's name has 1 to 63 characters.", nameof(statement));
        if (statement.MaxBatch is < 1 or > 1024) throw new ArgumentException("MaxBatch is 1 to 1,024.", nameof(statement));
        if (statement.MaxQueued < 1) throw new ArgumentException("MaxQueued is 1 or more.", nameof(statement));
        return new BatchedCall<TRequest, TResult>(statement, [.. _lanes.Select(lane => new LaneQueue<TRequest, TResult>(statement, lane, _side))]);
    }

    /// <summary>Finishes the batches under way; whoever still waits gets an <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var lane in _lanes) await lane.DisposeAsync().ConfigureAwait(false);
        await _side.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>A statement on its lanes, for callers.</summary>
/// <typeparam name="TRequest">What one caller asks.</typeparam>
/// <typeparam name="TResult">What one caller gets.</typeparam>
public sealed class BatchedCall<TRequest, TResult>
{
    private const int FewWaiting = 8;

    private readonly BatchedStatement<TRequest, TResult> _statement;
    private readonly LaneQueue<TRequest, TResult>[] _queues;
    private int _next;

    internal BatchedCall(BatchedStatement<TRequest, TResult> statement, LaneQueue<TRequest, TResult>[] queues) => (_statement, _queues) = (statement, queues);

    /// <summary>Asks, together with whoever asks meanwhile.</summary>
    /// <param name="request">Must not change until the answer is there.</param>
    /// <param name="token">Ends this caller's wait; the batch goes on.</param>
    /// <returns>The result, once the statement is complete (and, for a writing one, committed).</returns>
    /// <exception cref="LaneFullException">Too many wait already; nothing was sent.</exception>
    /// <exception cref="NpgsqlException">The statement failed for this request, or PostgreSQL can't be reached.</exception>
    /// <exception cref="ObjectDisposedException">The lanes have ended.</exception>
    public Task<TResult> ExecuteAsync(TRequest request, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return Task.FromCanceled<TResult>(token);
        return (_statement.Affinity(request) is { } affinity ? _queues[(int)((ulong)affinity % (ulong)_queues.Length)] : FirstWithRoom()).ExecuteAsync(request, token);
    }

    /// <summary>The first lane, until some wait there: a lone caller always meets the same server process, whose memory is warm for it.</summary>
    private LaneQueue<TRequest, TResult> FirstWithRoom()
    {
        foreach (var queue in _queues) if (queue.Waiting < FewWaiting) return queue;
        return _queues[(int)((uint)Interlocked.Increment(ref _next) % (uint)_queues.Length)];
    }

    /// <summary>Many requests at once, in as few round trips as their lanes need.</summary>
    /// <param name="requests">Must not change until the answers are there.</param>
    /// <param name="token">Ends the wait; the batches go on.</param>
    /// <returns>The results, in the order of the requests.</returns>
    /// <exception cref="LaneFullException">There are too many for what waits already; some may have been sent.</exception>
    /// <exception cref="NpgsqlException">The statement failed for one of them, or PostgreSQL can't be reached.</exception>
    /// <exception cref="ObjectDisposedException">The lanes have ended.</exception>
    public Task<TResult[]> ExecuteManyAsync(IEnumerable<TRequest> requests, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return Task.WhenAll(Gathering.Together(requests.ToArray(), request => ExecuteAsync(request, token)));
    }
}
