using System.Security.Cryptography;
using Bench.Peers;
using Bench.Report;
using Bench.SolidCache;
using Microsoft.Extensions.Caching.Memory;
using SolidCache;
using SolidCache.Postgres;
using StackExchange.Redis;

namespace Bench.Suite;

/// <summary>The cache in PostgreSQL beside Redis by its usual client, by the size of what is kept; and a hit in memory, which does not look at it.</summary>
internal static class ValuesGrowth
{
    private const int Entries = 1_024;
    private const int Callers = 64;

    // In memory a character takes two bytes.
    private const long MemoryMaxBytes = 512L << 20;

    private static readonly int[] Sizes = [100, 1_024, 8_192, 65_536];
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(0.3);
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    public static async Task RunAsync(SuiteReport report)
    {
        var rates = report.Add(new Curve("values-rate", Figures.Text($"Shared caches by size of the value, {Callers} callers"), "bytes", "operations per second") { IsLogarithmicInX = true, IsLogarithmicInY = true });
        var hits = report.Add(new Curve("values-memory", "A hit in memory by size of the value", "bytes", "ns") { IsLogarithmicInX = true });
        var folder = Directory.CreateTempSubdirectory("values-bench-");
        await using var redis = await RedisServer.StartAsync(folder.FullName);
        await using var client = redis is null ? null : await ConnectionMultiplexer.ConnectAsync(Figures.Text($"127.0.0.1:{redis.Port}"));
        await SolidCacheBench.OnServerAsync(async connectionString =>
        {
            await using var node = await SolidCacheBench.StartNodeAsync(connectionString, o => o.MemoryMaxBytes = MemoryMaxBytes);
            foreach (var size in Sizes)
            {
                await MeasureAsync(node, client?.GetDatabase(), size, rates);
                await HitAsync(node, size, hits);
            }

            return 0;
        });
        folder.Delete(recursive: true);
    }

    private static async Task MeasureAsync(CacheNode node, IDatabase? redis, int size, Curve rates)
    {
        var names = Enumerable.Range(0, Entries).Select(i => Figures.Text($"value:{size}:{i}")).ToArray();
        var keys = names.Select(CacheKey.Distributed).ToArray();
        var value = RandomNumberGenerator.GetBytes(size);
        List<Contender> contenders =
        [
            new("PostgreSQL, set", Callers, i => node.Store.WriteAsync(new EntryWrite(keys[Index(i)], value, Life), CancellationToken.None)),
            new("PostgreSQL, get", Callers, i => node.Store.ReadAsync(keys[Index(i)], CancellationToken.None)),
        ];
        if (redis is not null)
        {
            contenders.Add(new("Redis, set", Callers, i => redis.StringSetAsync(names[Index(i)], value, Life)));
            contenders.Add(new("Redis, get", Callers, i => redis.StringGetAsync(names[Index(i)])));
            foreach (var name in names) await redis.StringSetAsync(name, value, Life);
        }

        foreach (var slice in keys.Chunk(Callers)) await Task.WhenAll(slice.Select(key => node.Store.WriteAsync(new EntryWrite(key, value, Life), CancellationToken.None)));
        foreach (var (name, measured) in await SideBySide.RunAsync(Round, [.. contenders])) rates.Add(name, size, measured.PerSecond);
    }

    private static async Task HitAsync(CacheNode node, int size, Curve hits)
    {
        var text = new string('x', size);
        var keys = Enumerable.Range(0, Entries).Select(i => Figures.Text($"memory:{size}:{i}")).ToArray();
        using var memory = new MemoryCache(new MemoryCacheOptions());
        foreach (var key in keys)
        {
            memory.Set(key, text, Life);
            await node.Cache.GetOrCreateAsync(key, text, static (t, _) => ValueTask.FromResult(t));
        }

        var measured = MemoryHits.Run(keys, memory, node.Cache, text);
        hits.Add("SolidCache", size, 1e9 / measured[1].PerSecond);
        hits.Add("MemoryCache", size, 1e9 / measured[0].PerSecond);
    }

    private static int Index(int i) => (int)((uint)i % Entries);
}
