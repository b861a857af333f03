using System.Security.Cryptography;
using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;
using SolidCache.Postgres;
using Spectre.Console;

namespace Bench.SolidCache;

/// <summary>
/// The cache beside what one would use instead, on a private PostgreSQL as the service ships it, fsync included: 10,000 entries of 400
/// bytes, medians of five rounds in turn.
/// </summary>
internal static class SolidCacheBench
{
    private const int Entries = 10_000;
    private const int ValueBytes = 400;
    private const int Many = 64;

    public static Task<int> RunAsync(string? only) => OnServerAsync(async connectionString =>
    {
        if (only is null or "speed") await SpeedAsync(connectionString);
        if (only is null or "batches") await BatchesAsync(connectionString);
        if (only is null or "cluster") await ClusterBench.RunAsync(connectionString);
        if (only is null or "churn") await ChurnBench.RunAsync(connectionString);
        return 0;
    });

    /// <param name="run">Given how to connect to a private PostgreSQL, which goes away afterwards.</param>
    public static async Task<T> OnServerAsync<T>(Func<string, Task<T>> run)
    {
        var folder = Directory.CreateTempSubdirectory("solid-cache-bench-");
        File.SetUnixFileMode(folder.FullName, File.GetUnixFileMode(folder.FullName) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        // Over TCP, as applications connect; on an address of the loopback network that nobody else has.
        var address = SideBySide.Text($"127.{RandomNumberGenerator.GetInt32(1, 255)}.{RandomNumberGenerator.GetInt32(1, 255)}.{RandomNumberGenerator.GetInt32(1, 255)}");
        var parameters = new PrivatePostgresParameters { Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["listen_addresses"] = address } };
        var server = await PrivatePostgres.StartAsync(folder.FullName, parameters, NullLogger.Instance, CancellationToken.None);
        try
        {
            return await run(new NpgsqlConnectionStringBuilder(server.ConnectionString) { Host = address }.ConnectionString);
        }
        finally
        {
            await server.DisposeAsync();
            folder.Delete(recursive: true);
        }
    }

    public static async Task<CacheNode> StartNodeAsync(string connectionString, Action<SolidCacheOptions>? configure = null)
    {
        var options = new SolidCacheOptions { ConnectionString = connectionString };
        configure?.Invoke(options);
        var node = new CacheNode(options, services: null, TimeProvider.System, NullLoggerFactory.Instance);
        await node.StartAsync(CancellationToken.None);
        return node;
    }

    private static async Task SpeedAsync(string connectionString)
    {
        var keys = Enumerable.Range(0, Entries).Select(i => SideBySide.Text($"user_profile:{i}")).ToArray();
        var value = RandomNumberGenerator.GetBytes(ValueBytes);
        await using var plain = await PlainNpgsql.CreateAsync(connectionString, keys, value);
        await using var lone = await plain.Db.OpenConnectionAsync();
        await using var node = await StartNodeAsync(connectionString);
        var distributed = keys.Select(CacheKey.Distributed).ToArray();
        foreach (var slice in distributed.Chunk(1000))
            await Task.WhenAll(slice.Select(key => node.Store.WriteAsync(new EntryWrite(key, value, TimeSpan.FromDays(1)), CancellationToken.None)));

        var onlyPostgres = new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCache };
        string[] tags = ["users", "tenant:1", "catalog"];
        foreach (var slice in keys.Chunk(1000)) await Task.WhenAll(slice.Select(key => GetTaggedAsync(key).AsTask()));
        await VacuumAsync(plain.Db);

        var text = new string('x', ValueBytes);
        using var memory = new MemoryCache(new MemoryCacheOptions());
        foreach (var key in keys)
        {
            memory.Set("memory:" + key, text, TimeSpan.FromDays(1));
            await node.Cache.GetOrCreateAsync("memory:" + key, text, static (t, _) => ValueTask.FromResult(t));
        }

        var readers = await SideBySide.RunAsync(
            new Contender("Npgsql, a command per read", Many, i => PlainNpgsql.ReadAsync(plain.Db, Key(i))),
            new Contender("the same, pool of 16, prepared, without resets", Many, i => plain.ReadPreparedAsync(Key(i))),
            new Contender("Microsoft's UPDATE and SELECT", Many, i => plain.ReadAsMicrosoftAsync(Key(i))),
            new Contender("PostgreSQL tier, IDistributedCache", Many, i => node.Store.ReadAsync(distributed[Index(i)], CancellationToken.None)),
            new Contender("PostgreSQL tier, HybridCache, 3 tags", Many, i => GetTaggedAsync(Key(i)).AsTask()),
            new Contender("PostgreSQL tier, 512 callers", 512, i => node.Store.ReadAsync(distributed[Index(i)], CancellationToken.None)),
            new Contender("Npgsql, 1 caller, prepared on one connection", 1, i => PlainNpgsql.ReadPreparedAsync(lone, Key(i))),
            new Contender("PostgreSQL tier, 1 caller", 1, i => node.Store.ReadAsync(distributed[Index(i)], CancellationToken.None)));
        var writers = await SideBySide.RunAsync(
            new Contender("Npgsql, a command per write", Many, i => PlainNpgsql.WriteAsync(plain.Db, Key(i), value)),
            new Contender("the same, pool of 16, prepared, without resets ", Many, i => plain.WritePreparedAsync(Key(i), value)),
            new Contender("PostgreSQL tier, SET", Many, i => node.Store.WriteAsync(new EntryWrite(distributed[Index(i)], value, TimeSpan.FromDays(1)), CancellationToken.None)));
        var hits = MemoryHits.Run(keys.Select(k => "memory:" + k).ToArray(), memory, node.Cache, text);

        var table = new Table().AddColumns("what", "per second", "B allocated", "ratio", "to");
        var npgsql = readers["Npgsql, a command per read"];
        foreach (var name in readers.Keys.Take(6)) Add(readers[name], npgsql);
        Add(readers["PostgreSQL tier, 1 caller"], readers["Npgsql, 1 caller, prepared on one connection"]);
        foreach (var writer in writers.Values) Add(writer, writers["Npgsql, a command per write"]);
        foreach (var hit in hits) Add(hit, hits[0]);
        AnsiConsole.Write(table);

        string Key(int i) => keys[Index(i)];
        ValueTask<byte[]> GetTaggedAsync(string key) => node.Cache.GetOrCreateAsync(key, value, static (v, _) => ValueTask.FromResult(v), onlyPostgres, tags);
        void Add(Measured measured, Measured to) => table.AddRow(
            measured.Name, SideBySide.Text($"{measured.PerSecond:N0}"), SideBySide.Text($"{measured.BytesPerOperation:N0}"), SideBySide.Text($"{measured.PerSecond / to.PerSecond:F2}"), to.Name);
    }

    /// <summary>How many callers a round trip answers.</summary>
    private static async Task BatchesAsync(string connectionString)
    {
        await using var node = await StartNodeAsync(connectionString);
        var table = new Table().AddColumns("callers", "reads", "round trips", "batch p10", "p50", "p90", "largest");
        foreach (var callers in new[] { 1, 64, 512 })
        {
            var sizes = new List<int>();
            using var listener = new System.Diagnostics.Metrics.MeterListener();
            listener.InstrumentPublished = (instrument, l) => { if (instrument.Name == "solid_cache.lane.batch_size") l.EnableMeasurementEvents(instrument); };
            listener.SetMeasurementEventCallback<int>((_, size, tags, _) =>
            {
                foreach (var tag in tags) if (tag is { Key: "statement", Value: "read" }) lock (sizes) sizes.Add(size);
            });
            listener.Start();
            var reads = 20_000 * Math.Min(callers, 16);
            await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
            {
                for (var i = 0; i < reads / callers; i++) await node.Store.ReadAsync(CacheKey.Distributed(SideBySide.Text($"user_profile:{((caller * 7919) + i) % Entries}")), CancellationToken.None);
            })));
            var all = sizes.Select(size => (double)size).ToArray();
            table.AddRow(
                SideBySide.Text($"{callers}"), SideBySide.Text($"{reads:N0}"), SideBySide.Text($"{all.Length:N0}"), SideBySide.Text($"{SideBySide.Percentile(all, 0.1):F0}"),
                SideBySide.Text($"{SideBySide.Percentile(all, 0.5):F0}"), SideBySide.Text($"{SideBySide.Percentile(all, 0.9):F0}"), SideBySide.Text($"{all.Max():F0}"));
        }

        AnsiConsole.Write(table);
    }

    private static async Task VacuumAsync(NpgsqlDataSource db)
    {
        await using var command = db.CreateCommand("VACUUM ANALYZE solid_cache.solid_cache_entries");
        await command.ExecuteNonQueryAsync();
    }

    private static int Index(int i) => (int)((uint)i % Entries);
}
