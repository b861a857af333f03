using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Sessions;

/// <summary>Deletes sessions whose absolute end has passed, every hour, in small batches.</summary>
internal sealed partial class PurgeExpiredSessions(NpgsqlDataSource db, TimeProvider clock, ILogger<PurgeExpiredSessions> logger) : BackgroundService
{
    private const int BatchSize = 1_000;
    private const int MaxBatchesPerRun = 1_000;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly SqlFile DeleteExpired = SqlFile.Beside<PurgeExpiredSessions>("delete_expired");

    /// <returns>How many were deleted.</returns>
    public async Task<long> ExecuteOnceAsync(CancellationToken ct)
    {
        long deleted = 0;
        for (var i = 0; i < MaxBatchesPerRun; i++)
        {
            await using var command = DeleteExpired.On(db).With(BatchSize);
            var rows = await command.ExecuteNonQueryAsync(ct);
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
                LogPurged(deleted);
            }
            catch (NpgsqlException e)
            {
                LogFailed(e);   // the next hour tries again
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "sessions_purged: {Deleted}")]
    private partial void LogPurged(long deleted);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Expired sessions can't be purged now")]
    private partial void LogFailed(Exception exception);
}
