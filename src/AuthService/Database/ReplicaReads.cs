using Npgsql;

namespace AuthService.Database;

/// <summary>
/// Reads that may be a moment behind the truth: the list of accounts and its export; never rights or sessions. On the replica where one is configured,
/// on the primary where none is or while it is away: nobody who asks has to know.
/// </summary>
internal sealed partial class ReplicaReads(NpgsqlDataSource primary, NpgsqlDataSource? replica, TimeProvider clock, ILogger<ReplicaReads> logger) : IAsyncDisposable
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private int _isAway;
    private Task _probing = Task.CompletedTask;

    /// <summary>Null: there is none.</summary>
    public NpgsqlDataSource? Replica => replica;

    /// <summary><c>disabled</c>: there is none; <c>unhealthy</c>: it is away; <c>healthy</c>.</summary>
    public string Status => replica is null ? "disabled" : Volatile.Read(ref _isAway) == 0 ? "healthy" : "unhealthy";

    /// <param name="read">May run twice: begun on the replica, and again on the primary where that failed. What the first run has left must not count.</param>
    public async Task<T> RunAsync<T>(Func<NpgsqlDataSource, Task<T>> read)
    {
        if (replica is null || Volatile.Read(ref _isAway) != 0) return await read(primary);
        try
        {
            return await read(replica);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            // Gone, starting, too far behind to have our tables, or a statement of ours was in the way of what it has to replay. If it is the statement's own
            // fault, the primary says so too.
            Leave(e);
            return await read(primary);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _probing;
        _stop.Dispose();
        if (replica is not null) await replica.DisposeAsync();
    }

    private void Leave(Exception e)
    {
        if (Interlocked.Exchange(ref _isAway, 1) != 0) return;
        LogAway(e);
        _probing = ProbeAsync(replica!);
    }

    /// <summary>Nobody's request waits for a server that is away.</summary>
    private async Task ProbeAsync(NpgsqlDataSource source)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(ProbeInterval, clock, _stop.Token);
                await using var connection = await source.OpenConnectionAsync(_stop.Token);
                Volatile.Write(ref _isAway, 0);
                LogBack();
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
            {
                // Asked again.
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The replica does not answer. Lists and exports read from the primary until it does.")]
    private partial void LogAway(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "The replica answers again.")]
    private partial void LogBack();
}
