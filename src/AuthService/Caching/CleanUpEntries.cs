using System.Globalization;
using AuthService.Jobs;
using SolidCache.Postgres;

namespace AuthService.Caching;

/// <summary>Deletes expired entries of the cache's table: what SolidCache's own loop does where no node runs jobs.</summary>
internal sealed class CleanUpEntries(PostgresCache cache, CacheOptions options) : IRecurringJob
{
    public string Name => "clean_up_cache";

    public TimeSpan Interval => options.CleanupInterval;

    public async Task<string> RunAsync(IProgress<string> progress, CancellationToken ct)
    {
        var (deleted, isAll) = await cache.CleanUpAsync(ct);
        return string.Create(CultureInfo.InvariantCulture, $"{deleted:N0} deleted{(isAll ? "" : "; the rest the next time")}");
    }
}
