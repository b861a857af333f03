using Microsoft.Extensions.Logging.Abstractions;
using SolidCache;
using SolidCache.Lanes;
using SolidCache.Postgres;

namespace IntegrationTests.SolidCache;

/// <summary>A database with the cache's schema, and the parts of a node on it.</summary>
internal sealed class CacheStage : IAsyncDisposable
{
    private readonly LaneConnections _connections;

    private CacheStage(TestDatabase database, SolidCacheOptions options, ILogger logger)
    {
        (Database, Options) = (database, options);
        _connections = new LaneConnections(database.ConnectionString, options.Lanes);
        Lanes = new LaneSet(_connections, options.Lanes, TimeProvider.System, logger);
        Store = new PostgresStore(Lanes, options.Schema, options.MaxEntryLife, options.MaxBytes is not null);
        Upkeep = CreateUpkeep(logger);
        Cache = new PostgresCache(Store, Upkeep, options, TimeProvider.System, logger);
    }

    public TestDatabase Database { get; }

    public SolidCacheOptions Options { get; }

    public LaneSet Lanes { get; }

    public PostgresStore Store { get; }

    public PostgresUpkeep Upkeep { get; }

    public PostgresCache Cache { get; }

    /// <param name="configure">The default is one lane, so that what is asked together travels together.</param>
    public static async Task<CacheStage> CreateAsync(Servers servers, CancellationToken ct, Action<SolidCacheOptions>? configure = null, ILogger? logger = null)
    {
        var database = await servers.CreateEmptyDatabaseAsync(ct);
        var options = new SolidCacheOptions { ConnectionString = database.ConnectionString, Lanes = 1 };
        configure?.Invoke(options);
        await SchemaInstaller.EnsureAsync(database.DataSource, options.Schema, ct);
        await using (var extension = database.DataSource.CreateCommand("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")) await extension.ExecuteNonQueryAsync(ct);
        return new CacheStage(database, options, logger ?? NullLogger.Instance);
    }

    public PostgresUpkeep CreateUpkeep(ILogger? logger = null) =>
        new(_connections.Freshness, Options.Schema, Options, TimeProvider.System, logger ?? NullLogger.Instance);

    public async Task RunAsync(string sql, CancellationToken ct)
    {
        await using var command = Database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(ct);
    }

    public Task<T> ReadAsync<T>(string sql, CancellationToken ct) => Database.ReadAsync<T>(sql, ct);

    /// <summary>How often one of our statements runs within <paramref name="action"/>.</summary>
    public async Task<long> CountAsync(string statement, Func<Task> action, CancellationToken ct)
    {
        var counts = await Statements.CountAsync(Database, action, ct);
        return counts.GetValueOrDefault($"SolidCache/{statement}");
    }

    /// <summary>Makes every entry older, which is what the passing of time does.</summary>
    public Task PassAsync(TimeSpan time, CancellationToken ct) => RunAsync(
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"""
        UPDATE solid_cache.solid_cache_entries
        SET    created_at = created_at - make_interval(secs => {time.TotalSeconds}),
               expires_at = expires_at - make_interval(secs => {time.TotalSeconds}),
               absolute_expires_at = absolute_expires_at - make_interval(secs => {time.TotalSeconds})
        """), ct);

    /// <summary>Returns when the notes that reads leave behind (slides, touches) have been written: they stand in line before this write.</summary>
    public async Task SettleAsync(CancellationToken ct)
    {
        // Two statements' queues take turns, so one batch of each other kind runs before a second batch of this one.
        for (var i = 0; i < 3; i++) await Store.RemoveAsync(CacheKey.Hybrid("nobody's key"), ct);
    }

    /// <summary>Ends the connections of the lanes, as a restart of the server would.</summary>
    public Task CutAsync(CancellationToken ct) => RunAsync(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'solid_cache'", ct);

    public async ValueTask DisposeAsync()
    {
        Upkeep.Dispose();
        await Lanes.DisposeAsync();
        await _connections.DisposeAsync();
        await Database.DisposeAsync();
    }
}
