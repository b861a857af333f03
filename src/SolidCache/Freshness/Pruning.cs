using Microsoft.Extensions.Logging;
using Npgsql;

namespace SolidCache.Freshness;

/// <summary>Records what was visible when, and deletes what, by those records, everybody has read.</summary>
internal sealed partial class Pruning(NpgsqlDataSource db, string schema, SolidCacheOptions options, FreshnessState state, TimeProvider clock, ILogger logger)
{
    private const int SliceRows = 10_000;   // as the statements say
    private const int MaxSlices = 100;
    private static readonly TimeSpan LongestInterval = TimeSpan.FromMinutes(1);

    private readonly string _record = SqlFile.Beside<Pruning>("record_snapshot").In(schema);
    private readonly string _mark = SqlFile.Beside<Pruning>("mark_snapshot").In(schema);
    private readonly string _pruneLog = SqlFile.Beside<Pruning>("prune_log").In(schema);
    private readonly string _pruneTags = SqlFile.Beside<Pruning>("prune_tags").In(schema);
    private readonly string _pruneSnapshots = SqlFile.Beside<Pruning>("prune_snapshots").In(schema);

    private TimeSpan Interval => TimeSpan.FromTicks(Math.Min(LongestInterval.Ticks, options.Freshness.Retention.Ticks / 4));

    public async Task RunAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(ct).ConfigureAwait(false))
        {
            try
            {
                await PruneAsync(ct).ConfigureAwait(false);
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                LogFailed(e);
            }
        }
    }

    public async Task PruneAsync(CancellationToken ct)
    {
        state.Known.Forget(options.Freshness.Retention);
        var connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var retention = options.Freshness.IsOff(Mechanisms.Pruning) ? TimeSpan.Zero : options.Freshness.Retention;
        // A load may take as long as the margin, and its entry lives from its end.
        var longestLife = options.MaxEntryLife + TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerHour, options.Freshness.Margin.Ticks));
        await ExecuteAsync(connection, _record, Interval * 0.9, ct).ConfigureAwait(false);
        await ExecuteAsync(connection, _mark, retention, ct).ConfigureAwait(false);
        await RepeatAsync(connection, _pruneLog, null, ct).ConfigureAwait(false);
        await RepeatAsync(connection, _pruneTags, longestLife, ct).ConfigureAwait(false);
        await ExecuteAsync(connection, _pruneSnapshots, longestLife, ct).ConfigureAwait(false);
    }

    /// <summary>Slice by slice until one is not full: a slice a minute would be slower than the changes of a busy system.</summary>
    private static async Task RepeatAsync(NpgsqlConnection connection, string sql, TimeSpan? time, CancellationToken ct)
    {
        for (var slice = 0; slice < MaxSlices; slice++)
        {
            if (await ExecuteAsync(connection, sql, time, ct).ConfigureAwait(false) < SliceRows) return;
        }
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, TimeSpan? time, CancellationToken ct)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using var _ = command.ConfigureAwait(false);
        if (time is { } given) command.Parameters.Add(new NpgsqlParameter<double> { TypedValue = given.TotalSeconds });
        using var timing = SlowStatements.Time(command);
        return await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old invalidations could not be deleted; the next attempt comes by itself.")]
    private partial void LogFailed(Exception exception);
}
