using System.Diagnostics;
using System.Security.Cryptography;
using Npgsql;
using SolidCache;
using SolidCache.Postgres;
using Spectre.Console;

namespace Bench.SolidCache;

/// <summary>Constant load on a constant set of keys, as many writes as an hour of a busy service: does the table stay as large as it must be?</summary>
internal static class ChurnBench
{
    private const int Keys = 20_000;
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(string connectionString)
    {
        await using var db = NpgsqlDataSource.Create(connectionString);
        await ExecuteAsync(db, "DROP SCHEMA IF EXISTS churn CASCADE");
        await using var node = await SolidCacheBench.StartNodeAsync(connectionString, o => o.Schema = "churn");
        var keys = Enumerable.Range(0, Keys).Select(i => CacheKey.Distributed(SideBySide.Text($"session:{i:D8}"))).ToArray();
        var value = RandomNumberGenerator.GetBytes(400);
        await Task.WhenAll(keys.Select(key => WriteAsync(key)));
        await ExecuteAsync(db, "VACUUM ANALYZE churn.solid_cache_entries");
        var live = await ReadAsync(db, "SELECT sum(pg_column_size(e.*) + 28)::float8 FROM churn.solid_cache_entries e");
        var before = await ReadAsync(db, "SELECT pg_table_size('churn.solid_cache_entries')::float8");

        var writes = 0L;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 32).Select(caller => Task.Run(async () =>
        {
            for (var i = caller; Stopwatch.GetElapsedTime(started) < Time; i += 7919)
            {
                await WriteAsync(keys[i % Keys]);
                Interlocked.Increment(ref writes);
            }
        })));
        await ExecuteAsync(db, "SELECT pg_stat_force_next_flush()");
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);

        var table = new Table().AddColumns("churn of 60 s", "figure");
        table.AddRow("writes", SideBySide.Text($"{writes:N0} ({writes / Time.TotalSeconds:N0}/s on {Keys:N0} keys)"));
        table.AddRow("table after, to live data", SideBySide.Text($"{await ReadAsync(db, "SELECT pg_table_size('churn.solid_cache_entries')::float8") / live:F2} (before: {before / live:F2})"));
        table.AddRow("index after, bytes per key", SideBySide.Text($"{await ReadAsync(db, "SELECT pg_indexes_size('churn.solid_cache_entries')::float8") / Keys:F0}"));
        table.AddRow("heap-only updates", SideBySide.Text($"{await ReadAsync(db, "SELECT n_tup_hot_upd::float8 / greatest(n_tup_upd, 1) FROM pg_stat_user_tables WHERE schemaname = 'churn' AND relname = 'solid_cache_entries'"):P1}"));
        AnsiConsole.Write(table);

        Task WriteAsync(CacheKey key) => node.Store.WriteAsync(new EntryWrite(key, value, TimeSpan.FromHours(1)), CancellationToken.None);
    }

    private static async Task ExecuteAsync(NpgsqlDataSource db, string sql)
    {
        await using var command = db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<double> ReadAsync(NpgsqlDataSource db, string sql)
    {
        await using var command = db.CreateCommand(sql);
        return (double)(await command.ExecuteScalarAsync())!;
    }
}
