using System.Diagnostics.Metrics;
using Npgsql;
using SolidCache.Postgres;

namespace AuthService.Telemetry;

/// <summary>
/// How many entries the cache has in PostgreSQL, and what they weigh. The database is asked when somebody has looked since the last time, and no more often than
/// <see cref="TelemetryOptions.StatisticsInterval"/>: where nobody looks it costs nothing, and a look shows what was found after the one before.
/// </summary>
internal sealed partial class StoredEntries : BackgroundService
{
    private static readonly TimeSpan LongestQuestion = TimeSpan.FromSeconds(10);

    private readonly PostgresCache _cache;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Meter _meter = new("AuthService");
    private readonly SemaphoreSlim _looked = new(1, 1);   // once at the start, so that the first look finds something
    private CacheStatistics? _found;

    public StoredEntries(PostgresCache cache, TelemetryOptions options, TimeProvider clock, ILogger<StoredEntries> logger)
    {
        (_cache, _interval, _clock, _logger) = (cache, options.StatisticsInterval, clock, logger);
        Gauge("solid_cache.entries", "{entry}", "Entries in PostgreSQL, the expired among them included.", s => s.TotalEntries);
        Gauge("solid_cache.expired_entries", "{entry}", "Entries in PostgreSQL that have expired and wait to be deleted.", s => s.ExpiredEntries);
        Gauge("solid_cache.size", "By", "What the entries in PostgreSQL weigh.", s => s.TotalSizeBytes);
        Gauge("solid_cache.table_size", "By", "What their table takes on disk.", s => s.TableBytes);
    }

    public override void Dispose()
    {
        base.Dispose();
        _meter.Dispose();
        _looked.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await _looked.WaitAsync(stoppingToken);
            await AskAsync(stoppingToken);
            await Task.Delay(_interval, _clock, stoppingToken);
        }
    }

    private async Task AskAsync(CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(LongestQuestion);
        try
        {
            Volatile.Write(ref _found, await _cache.GetStatisticsAsync(limit.Token));
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            Volatile.Write(ref _found, null);   // rather none than old ones
            LogUnknown(e);
        }
    }

    private void Gauge(string name, string unit, string description, Func<CacheStatistics, long> figure) =>
        _meter.CreateObservableGauge<long>(name, () => Look() is { } found ? [new Measurement<long>(figure(found))] : Array.Empty<Measurement<long>>(), unit, description);

    private CacheStatistics? Look()
    {
        if (_looked.CurrentCount == 0)
        {
            try
            {
                _looked.Release();
            }
            catch (SemaphoreFullException)
            {
                // Somebody else did.
            }
        }

        return Volatile.Read(ref _found);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The entries in PostgreSQL could not be counted")]
    private partial void LogUnknown(Exception exception);
}
