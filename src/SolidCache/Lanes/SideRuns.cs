using Npgsql;

namespace SolidCache.Lanes;

/// <summary>
/// Where batches go that failed: each request for itself, so that the lane goes on and only the request that is at fault fails. First
/// all of them in little time; then those that need more, which wait for a lock as a rule, one after another.
/// </summary>
internal sealed class SideRuns(NpgsqlDataSource db) : IAsyncDisposable
{
    /// <summary>One for requests that are quick, one for those that wait.</summary>
    public const int MaxConnections = 2;

    private const int MaxRequests = 4096;

    private static readonly SqlFile LimitTime = SqlFile.Beside<SideRuns>("limit_time");
    private static readonly Limits Quick = new("10", "250");
    private static readonly Limits Slow = new("0", "30000");

    private readonly Lock _lock = new();
    private readonly HashSet<Task> _running = [];
    private readonly SemaphoreSlim _quick = new(1);
    private readonly SemaphoreSlim _slow = new(1);
    private readonly CancellationTokenSource _ending = new();
    private int _requests;

    public void Start<TRequest, TResult>(BatchedStatement<TRequest, TResult> statement, List<LaneRequest<TRequest, TResult>> requests)
    {
        lock (_lock)
        {
            if (!_ending.IsCancellationRequested && _requests + requests.Count <= MaxRequests)
            {
                _requests += requests.Count;
                var run = Task.Run(() => RunAsync(statement, requests));
                _running.Add(run);
                _ = run.ContinueWith(ended => Remove(ended, requests.Count), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
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
            _ending.Cancel();
            running = [.. _running];
        }

        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private async Task RunAsync<TRequest, TResult>(BatchedStatement<TRequest, TResult> statement, List<LaneRequest<TRequest, TResult>> requests)
    {
        var slow = await PassAsync(statement, requests, _quick, Quick).ConfigureAwait(false);
        if (slow.Count > 0) await PassAsync(statement, slow, _slow, Slow).ConfigureAwait(false);
    }

    /// <returns>Those that need more time; they have no answer yet.</returns>
    private async Task<List<LaneRequest<TRequest, TResult>>> PassAsync<TRequest, TResult>(
        BatchedStatement<TRequest, TResult> statement, List<LaneRequest<TRequest, TResult>> requests, SemaphoreSlim turn, Limits limits)
    {
        var slow = new List<LaneRequest<TRequest, TResult>>();
        var next = 0;
        await turn.WaitAsync().ConfigureAwait(false);
        try
        {
            var connection = await db.OpenConnectionAsync(_ending.Token).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                await LimitAsync(connection, limits).ConfigureAwait(false);
                var (command, parameters) = await BatchRun.PrepareAsync(statement, connection).ConfigureAwait(false);
                await using (command.ConfigureAwait(false))
                {
                    for (; next < requests.Count; next++)
                    {
                        _ending.Token.ThrowIfCancellationRequested();
                        if (requests[next].HasLeft) continue;
                        if (!await TryRunAsync(statement, command, parameters, requests[next], limits).ConfigureAwait(false)) slow.Add(requests[next]);
                        if (connection.FullState != System.Data.ConnectionState.Open) throw new NpgsqlException("The connection broke beside the lane.");
                    }
                }
            }
        }
        catch (Exception e)
        {
            if (e is OperationCanceledException) e = new ObjectDisposedException(nameof(LaneSet));
            for (; next < requests.Count; next++) requests[next].TryFail(e);
        }
        finally
        {
            turn.Release();
        }

        return slow;
    }

    private static async Task LimitAsync(NpgsqlConnection connection, Limits limits)
    {
        var command = new NpgsqlCommand(LimitTime.Text, connection);
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = limits.LockTimeout });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = limits.StatementTimeout });
            await command.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
    }

    /// <returns>False: it needs more time. Otherwise it has its answer.</returns>
    private async ValueTask<bool> TryRunAsync<TRequest, TResult>(
        BatchedStatement<TRequest, TResult> statement, NpgsqlCommand command, NpgsqlParameter[] parameters, LaneRequest<TRequest, TResult> request, Limits limits)
    {
        try
        {
            List<LaneRequest<TRequest, TResult>> alone = [request];
            var batch = BatchRun.Gather(alone);
            await BatchRun.ExecuteAsync(statement, command, parameters, batch, _ending.Token).ConfigureAwait(false);
            new Answers<TRequest, TResult>(alone, batch).Deliver(continuesHere: false);
        }
        catch (Exception e)
        {
            if (limits == Quick && BatchRun.MayTakeLonger(e)) return false;
            request.TryFail(e is OperationCanceledException ? new ObjectDisposedException(nameof(LaneSet)) : e);
        }

        return true;
    }

    private void Remove(Task ended, int requests)
    {
        lock (_lock)
        {
            _running.Remove(ended);
            _requests -= requests;
        }
    }

    private sealed record Limits(string LockTimeout, string StatementTimeout);
}
