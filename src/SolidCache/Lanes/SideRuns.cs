using Npgsql;

namespace SolidCache.Lanes;

/// <summary>
/// Where batches go that failed: each request for itself, on connections of their own and with more time, so that the lane goes on
/// and only the request that is at fault fails.
/// </summary>
internal sealed class SideRuns(NpgsqlDataSource db) : IAsyncDisposable
{
    /// <summary>Batches that run beside the lanes at a time. One more fails, instead of taking connections without end.</summary>
    public const int MaxConnections = 2;

    private readonly Lock _lock = new();
    private readonly HashSet<Task> _running = [];
    private bool _ended;

    public void Start<TRequest, TResult>(BatchedStatement<TRequest, TResult> statement, List<LaneRequest<TRequest, TResult>> requests)
    {
        lock (_lock)
        {
            if (!_ended && _running.Count < MaxConnections)
            {
                var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                var run = RunAsync(statement, requests, start.Task);
                _running.Add(run);
                _ = run.ContinueWith(static (ended, self) => ((SideRuns)self!).Remove(ended), this, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                start.SetResult();
                return;
            }
        }

        foreach (var request in requests) request.TryFail(new LaneFullException(statement.Name));
    }

    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_lock)
        {
            _ended = true;
            running = [.. _running];
        }

        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private async Task RunAsync<TRequest, TResult>(BatchedStatement<TRequest, TResult> statement, List<LaneRequest<TRequest, TResult>> requests, Task started)
    {
        await started.ConfigureAwait(false);
        var next = 0;
        try
        {
            var connection = await db.OpenConnectionAsync().ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                var (command, parameters) = await BatchRun.PrepareAsync(statement, connection).ConfigureAwait(false);
                await using (command.ConfigureAwait(false))
                {
                    for (; next < requests.Count; next++)
                    {
                        if (requests[next].HasLeft) continue;
                        await RunOneAsync(statement, command, parameters, requests[next]).ConfigureAwait(false);
                        if (connection.FullState != System.Data.ConnectionState.Open) throw new NpgsqlException("The connection broke beside the lane.");
                    }
                }
            }
        }
        catch (Exception e)
        {
            for (; next < requests.Count; next++) requests[next].TryFail(e);
        }
    }

    private static async ValueTask RunOneAsync<TRequest, TResult>(
        BatchedStatement<TRequest, TResult> statement, NpgsqlCommand command, NpgsqlParameter[] parameters, LaneRequest<TRequest, TResult> request)
    {
        try
        {
            await BatchRun.ExecuteAsync(statement, command, parameters, [request]).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            request.TryFail(e);
        }
    }

    private void Remove(Task ended)
    {
        lock (_lock) _running.Remove(ended);
    }
}
