using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace SolidCache.Postgres;

/// <summary>
/// What keeps the entries table small: expired entries are deleted, and those that were used least where <see cref="SolidCacheOptions.MaxBytes"/>
/// is set. One node at a time does it, by a lease; the others look now and then whether it is still there.
/// </summary>
internal sealed partial class PostgresUpkeep(NpgsqlDataSource db, string schema, SolidCacheOptions options, TimeProvider clock, ILogger logger) : IDisposable
{
    private const int TimeoutSeconds = 35;   // the server gives up after 30
    private const long RowsPerBatch = 10_000;
    private const long PagesPerCleaning = 65_536;
    private const long PagesPerEviction = 1_024;

    private static readonly TimeSpan EvictionInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestRun = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ShortestLease = TimeSpan.FromSeconds(30);

    private readonly string _takeLease = SqlFile.Beside<PostgresUpkeep>("take_lease").In(schema);
    private readonly string _releaseLease = SqlFile.Beside<PostgresUpkeep>("release_lease").In(schema);
    private readonly string _clean = SqlFile.Beside<PostgresUpkeep>("clean").In(schema);
    private readonly string _evict = SqlFile.Beside<PostgresUpkeep>("evict").In(schema);
    private readonly string _readSize = SqlFile.Beside<PostgresUpkeep>("read_size").In(schema);
    private readonly string _countEntries = SqlFile.Beside<PostgresUpkeep>("count_entries").In(schema);
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Guid _owner = new(RandomNumberGenerator.GetBytes(16));

    private TimeSpan Interval => options switch
    {
        { MaxBytes: null } => options.CleanupInterval,
        { CleanupInterval.Ticks: 0 } => EvictionInterval,
        _ => options.CleanupInterval < EvictionInterval ? options.CleanupInterval : EvictionInterval,
    };

    /// <summary>
    /// Cleans up and makes room in its intervals, until <paramref name="ct"/> ends it. Returns at once where there is nothing to do: no
    /// interval and no bound.
    /// </summary>
    public async Task RunAsync(CancellationToken ct)
    {
        if (Interval == TimeSpan.Zero) return;
        LogStarted(Interval);
        long? cleanedAt = null;
        try
        {
            while (true)
            {
                var isDue = options.CleanupInterval > TimeSpan.Zero && (cleanedAt is not { } last || clock.GetElapsedTime(last) >= options.CleanupInterval);
                if (await RunOnceAsync(isDue, ct).ConfigureAwait(false) && isDue) cleanedAt = clock.GetTimestamp();
                await Task.Delay(Interval, clock, ct).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await ReleaseAsync().ConfigureAwait(false);
        }
        finally
        {
            LogStopped();
        }
    }

    /// <summary>Deletes what has expired, in batches; ends after a minute and goes on from there the next time.</summary>
    /// <returns>How many entries were deleted. 0 also where another node holds the lease.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL can't do it now.</exception>
    public async Task<long> CleanUpAsync(CancellationToken ct) => (await DeleteExpiredAsync(() => TakeLeaseAsync(ct), ct).ConfigureAwait(false)).Deleted;

    /// <summary>The same for somebody who has asked for it: whoever holds the lease. Beside its holder both get on, each on a side of its own.</summary>
    /// <returns>How many, and whether the whole table was looked through within the minute.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL can't do it now.</exception>
    public Task<(long Deleted, bool IsAll)> CleanUpNowAsync(CancellationToken ct) => DeleteExpiredAsync(() => Task.FromResult(true), ct);

    /// <summary>
    /// Deletes entries that nobody has read since the hand last came by, until the live ones weigh no more than the bound. Ends after a
    /// minute and goes on from there the next time. Does nothing without a bound.
    /// </summary>
    /// <exception cref="NpgsqlException">PostgreSQL can't do it now.</exception>
    public async Task EvictAsync(CancellationToken ct)
    {
        if (options.MaxBytes is not { } bound || !await TakeLeaseAsync(ct).ConfigureAwait(false)) return;
        var statistics = await ReadStatisticsAsync(ct).ConfigureAwait(false);
        var excess = statistics.TotalSizeBytes - statistics.ExpiredSizeBytes - bound;
        var startedAt = clock.GetTimestamp();
        var deleted = 0L;
        var seen = 0L;
        while (excess > 0 && clock.GetElapsedTime(startedAt) < LongestRun && await TakeLeaseAsync(ct).ConfigureAwait(false))
        {
            var step = await QueryAsync(_evict, [Of(excess), Of(PagesPerEviction)], Step, ct).ConfigureAwait(false);
            excess -= step.Freed;
            deleted += step.Gone;
            seen += step.Seen;
            // Twice round has met everything, once to mark it and once to take it. No page: another call moves the hand.
            if (seen > 2 * step.Pages + PagesPerEviction || (step.Seen == 0 && step.Freed == 0)) break;
        }

        if (deleted > 0) LogEvicted(deleted);

        static (long Freed, long Gone, long Seen, long Pages) Step(NpgsqlDataReader row) => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3));
    }

    /// <summary>What the table holds now.</summary>
    /// <exception cref="NpgsqlException">PostgreSQL can't answer.</exception>
    public async Task<CacheStatistics> ReadStatisticsAsync(CancellationToken ct)
    {
        var (percent, tableBytes, deadRows, updates, hotUpdates) = await QueryAsync(
            _readSize, [], static row => (row.GetFloat(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4)), ct).ConfigureAwait(false);
        var statistics = await QueryAsync(
            _countEntries,
            [Of(percent)],
            row => new CacheStatistics
            {
                TotalEntries = row.GetInt64(0),
                ExpiredEntries = row.GetInt64(1),
                TotalSizeBytes = row.GetInt64(2),
                ExpiredSizeBytes = row.GetInt64(3),
                IsExact = percent >= 100,
                TableBytes = tableBytes,
                DeadRows = deadRows,
                HotRatio = updates == 0 ? null : (double)hotUpdates / updates,
            },
            ct).ConfigureAwait(false);
        return statistics!;
    }

    public void Dispose() => _turn.Dispose();

    /// <summary>Failures are logged, and tried again in the next interval.</summary>
    private async Task<bool> RunOnceAsync(bool cleans, CancellationToken ct)
    {
        try
        {
            if (!await TakeLeaseAsync(ct).ConfigureAwait(false)) return false;
            if (cleans)
            {
                var deleted = await CleanUpAsync(ct).ConfigureAwait(false);
                LogExecuted(deleted);
            }

            await EvictAsync(ct).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            LogFailed(e);
            return false;
        }
    }

    private async Task<(long Deleted, bool IsAll)> DeleteExpiredAsync(Func<Task<bool>> mayGoOn, CancellationToken ct)
    {
        var startedAt = clock.GetTimestamp();
        var deleted = 0L;
        var seen = 0L;
        while (clock.GetElapsedTime(startedAt) < LongestRun && await mayGoOn().ConfigureAwait(false))
        {
            var batch = await QueryAsync(_clean, [Of(RowsPerBatch), Of(PagesPerCleaning)], Step, ct).ConfigureAwait(false);
            deleted += batch.Gone;
            seen += batch.Seen;
            if (seen >= batch.Pages) return (deleted, true);
        }

        return (deleted, false);

        static (long Gone, long Seen, long Pages) Step(NpgsqlDataReader row) => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2));
    }

    /// <summary>For a little less than an interval, so that the node that has it takes it again before another does.</summary>
    private async Task<bool> TakeLeaseAsync(CancellationToken ct)
    {
        var seconds = Math.Max(Interval.TotalSeconds * 0.9, ShortestLease.TotalSeconds);
        return await QueryAsync(_takeLease, [Of(_owner), Of(seconds)], static row => row.GetGuid(0), ct).ConfigureAwait(false) == _owner;
    }

    private async Task ReleaseAsync()
    {
        try
        {
            await QueryAsync(_releaseLease, [Of(_owner)], static _ => 0, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or ObjectDisposedException)
        {
            // It runs out by itself.
        }
    }

    private static NpgsqlParameter<T> Of<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    /// <summary>The first row; the type's default without one. On one connection at a time: the pool is for the poll in the first place.</summary>
    private async Task<T?> QueryAsync<T>(string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var command = db.CreateCommand(sql);
            await using (command.ConfigureAwait(false))
            {
                command.CommandTimeout = TimeoutSeconds;
                command.Parameters.AddRange(parameters);
                using var timing = SlowStatements.Time(command);
                var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
                await using (row.ConfigureAwait(false)) return await row.ReadAsync(ct).ConfigureAwait(false) ? read(row) : default;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    [LoggerMessage(EventName = "cache_cleanup_started", Level = LogLevel.Information, Message = "Cache clean-up started, every {Interval}")]
    private partial void LogStarted(TimeSpan interval);

    [LoggerMessage(EventName = "cache_cleanup_executed", Level = LogLevel.Information, Message = "Cache clean-up deleted {Deleted} expired entries")]
    private partial void LogExecuted(long deleted);

    [LoggerMessage(EventName = "cache_cleanup_stopped", Level = LogLevel.Information, Message = "Cache clean-up stopped")]
    private partial void LogStopped();

    [LoggerMessage(EventName = "cache_evicted", Level = LogLevel.Information, Message = "The cache is full: {Deleted} entries made room")]
    private partial void LogEvicted(long deleted);

    [LoggerMessage(EventName = "cache_cleanup_failed", Level = LogLevel.Warning, Message = "Cache clean-up failed; it is tried again in the next interval")]
    private partial void LogFailed(Exception exception);
}
