using Npgsql;

namespace AuthService.Database;

/// <summary>Deletes rows that nobody needs any more, every hour, in small batches. What must go is the statement's to say.</summary>
/// <param name="what">In the log: <c>sessions_purged</c>.</param>
internal abstract partial class HourlyPurge(string what, TimeProvider clock, ILogger logger) : BackgroundService
{
    private const int BatchSize = 1_000;
    private const int MaxBatchesPerRun = 1_000;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <returns>How many were deleted: fewer than <paramref name="limit"/> if there are no more.</returns>
    protected abstract Task<long> DeleteAsync(int limit, CancellationToken ct);

    /// <returns>How many were deleted.</returns>
    public async Task<long> ExecuteOnceAsync(CancellationToken ct)
    {
        long deleted = 0;
        for (var i = 0; i < MaxBatchesPerRun; i++)
        {
            var rows = await DeleteAsync(BatchSize, ct);
            deleted += rows;
            if (rows < BatchSize) break;
        }

        return deleted;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var deleted = await ExecuteOnceAsync(stoppingToken);
                LogPurged(what, deleted);
            }
            catch (NpgsqlException e)
            {
                LogFailed(e, what);   // the next hour tries again
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{What}: {Deleted}")]
    private partial void LogPurged(string what, long deleted);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{What}: can't be done now")]
    private partial void LogFailed(Exception exception, string what);
}
