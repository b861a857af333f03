using System.ComponentModel;
using Microsoft.Extensions.Caching.Hybrid;

namespace IntegrationTests.SolidCache;

/// <summary>What answers cost: bytes on the heap, statements in PostgreSQL.</summary>
public class CostTests(Servers servers) : IClassFixture<Servers>
{
    private const string Read = "Postgres/PostgresStore.read_tagged";
    private const string Write = "Postgres/PostgresStore.write";

    // What a node does in its own time, whoever asks or not.
    private static readonly string[] OwnAccord = ["Freshness/InvalidationPoll", "Freshness/Pruning", "Freshness/WakeUp"];

    private CancellationToken Ct => servers.TestTimeout;

    // Make a string of the span, a closure of the factory, or a box of the int, and the number is its size times a thousand.
    [Fact]
    public async Task A_hit_in_memory_allocates_nothing()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        var cache = node.Cache;
        await cache.SetAsync("text", "value", cancellationToken: Ct);
        await cache.SetAsync("frozen", new Frozen("name", 1), cancellationToken: Ct);
        await cache.SetAsync("number", 42, cancellationToken: Ct);
        var options = new HybridCacheEntryOptions();
        Assert.Equal(0, BytesOf(() => Taken(cache.GetOrCreateAsync("text", 0, static (_, _) => ValueTask.FromResult("")))));
        Assert.Equal(0, BytesOf(() => Taken(cache.GetOrCreateAsync("text", static _ => ValueTask.FromResult("")))));
        Assert.Equal(0, BytesOf(() => Taken(cache.GetOrCreateAsync("text", 0, static (_, _) => ValueTask.FromResult(""), options))));
        Assert.Equal(0, BytesOf(() => Taken(cache.GetOrCreateAsync("text".AsSpan(), 0, static (_, _) => ValueTask.FromResult("")))));
        Assert.Equal(0, BytesOf(() => Taken(cache.GetOrLoadAsync("text", 0, static (_, _, _) => ValueTask.FromResult("")))));
        Assert.Equal(0, BytesOf(() => Taken(cache.GetOrCreateAsync("frozen", 0, static (_, _) => ValueTask.FromResult(new Frozen("", 0))))));
        Assert.Equal(0, BytesOf(() => Taken(cache.GetOrCreateAsync("number", 0, static (_, _) => ValueTask.FromResult(0)))));
        Assert.Equal(0, BytesOf(() => Taken(cache.GetOrCreateAsync("number".AsSpan(), 0, static (_, _) => ValueTask.FromResult(0)))));
    }

    [Fact]
    public async Task Answers_cost_as_many_statements_as_they_must()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        await using var extend = node.Database.DataSource.CreateCommand("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
        await extend.ExecuteNonQueryAsync(Ct);
        var cache = node.Cache;
        Assert.Equal((string[])[$"{Read} 1", $"{Write} 1"], await CountAsync(() => GetAsync("first", HybridCacheEntryFlags.None)));
        // Its write is complete when the caller hears of it: the count above is exact.
        Assert.Empty(await CountAsync(() => GetAsync("none", HybridCacheEntryFlags.None)));
        Assert.Equal((string[])[$"{Read} 1"], await CountAsync(() => GetAsync("none", HybridCacheEntryFlags.DisableLocalCacheRead)));
        Assert.Equal((string[])[$"{Read} 1"], await CountAsync(() => GetAsync("kept", HybridCacheEntryFlags.DisableLocalCacheRead | HybridCacheEntryFlags.DisableUnderlyingData)));
        Assert.Equal(
            (string[])["Freshness/NodeBarrier.read_nodes 1", "Freshness/TagVersions.bump 1", "Postgres/PostgresStore.remove 1"],
            await CountAsync(() => cache.RemoveAsync("key", Ct).AsTask()));
        Assert.Equal(
            (string[])["Freshness/NodeBarrier.read_nodes 1", "Freshness/TagVersions.bump 1"],
            await CountAsync(() => cache.RemoveByTagAsync(["tag", "other"], Ct).AsTask()));
        Assert.Equal(
            (string[])["Freshness/NodeBarrier.read_nodes 1", "Freshness/TagVersions.bump 1", "Freshness/TagVersions.read 1", $"{Write} 1"],
            await CountAsync(() => cache.SetAsync("key", "value", cancellationToken: Ct).AsTask()));

        async Task GetAsync(string value, HybridCacheEntryFlags flags) =>
            await cache.GetOrCreateAsync("key", value, static (v, _) => ValueTask.FromResult(v), new HybridCacheEntryOptions { Flags = flags }, null, Ct);

        async Task<string[]> CountAsync(Func<Task> action)
        {
            var counts = await Statements.CountAsync(node.Database, action, Ct);
            return [.. counts.Where(c => !OwnAccord.Any(own => c.Key.Contains(own, StringComparison.Ordinal)) && c.Key.Contains('/', StringComparison.Ordinal))
                .Select(c => $"{c.Key.Replace("SolidCache/", "", StringComparison.Ordinal)} {c.Value}").Order(StringComparer.Ordinal)];
        }
    }

    private static void Taken<T>(ValueTask<T> hit) => Assert.True(hit.IsCompletedSuccessfully);

    private static long BytesOf(Action hit)
    {
        // Until the code is compiled as it will stay; then the least of several, because a compiler on this thread may allocate.
        for (var i = 0; i < 200; i++) hit();
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++) hit();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    [ImmutableObject(true)]
    private sealed record Frozen(string Name, int Number);
}
