using System.Globalization;
using AuthService.Jobs;
using Npgsql;
using SolidCache.Postgres;

namespace AuthService.Caching;

/// <summary>Deletes expired entries of the cache's table, and logs it by the names under which SolidCache's own loop does, where no job takes its place.</summary>
internal sealed partial class CleanUpEntries(PostgresCache cache, CacheOptions options, ILogger<CleanUpEntries> logger) : IRecurringJob
{
    /// <summary>Below it the loop is left to itself: Quartz is not made for seconds.</summary>
    public static readonly TimeSpan ShortestInterval = TimeSpan.FromMinutes(1);

    public string Name => "clean_up_cache";

    public TimeSpan Interval => options.CleanupInterval;

    public async Task<string> RunAsync(IProgress<string> progress, CancellationToken ct)
    {
        LogStarted();
        try
        {
            var (deleted, isAll) = await cache.CleanUpAsync(ct);
            LogExecuted(deleted);
            return string.Create(CultureInfo.InvariantCulture, $"{deleted:N0} deleted{(isAll ? "" : "; the rest the next time")}");
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            LogFailed(e);
            throw;
        }
        finally
        {
            LogStopped();
        }
    }

    [LoggerMessage(EventName = "cache_cleanup_started", Level = LogLevel.Information, Message = "Cache clean-up started")]
    private partial void LogStarted();

    [LoggerMessage(EventName = "cache_cleanup_executed", Level = LogLevel.Information, Message = "Cache clean-up deleted {Deleted} expired entries")]
    private partial void LogExecuted(long deleted);

    [LoggerMessage(EventName = "cache_cleanup_stopped", Level = LogLevel.Information, Message = "Cache clean-up stopped")]
    private partial void LogStopped();

    [LoggerMessage(EventName = "cache_cleanup_failed", Level = LogLevel.Warning, Message = "Cache clean-up failed; it is tried again in the next interval")]
    private partial void LogFailed(Exception exception);
}
