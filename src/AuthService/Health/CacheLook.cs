using Npgsql;
using SolidCache.Postgres;

namespace AuthService.Health;

/// <summary>What the entries table holds. To count it takes up to 100,000 rows, so it is counted rarely.</summary>
internal sealed class CacheLook
{
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly PostgresCache _cache;
    private readonly JointLook<CacheStatistics?> _look;

    public CacheLook(PostgresCache cache, TimeProvider clock) => (_cache, _look) = (cache, new JointLook<CacheStatistics?>(LookAsync, KeptFor, clock));

    /// <returns>Null: the table can't be read within 2 s.</returns>
    public Task<CacheStatistics?> LatestAsync(CancellationToken ct) => _look.LatestAsync(ct);

    private async Task<CacheStatistics?> LookAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            return await _cache.GetStatisticsAsync(limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }
}
