using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Logging.Abstractions;
using SolidCache;

namespace IntegrationTests.SolidCache;

/// <summary>One node of a cache: what <c>AddSolidCache</c> makes, without a host, in this process. Several on one database are a cluster.</summary>
internal sealed class CacheTestNode : IAsyncDisposable
{
    private CacheTestNode(CacheNode node) => Node = node;

    public CacheNode Node { get; }

    public TieredCache Cache => Node.Cache;

    /// <summary>Started, with its lease.</summary>
    public static async Task<CacheTestNode> StartAsync(TestDatabase database, CancellationToken ct, Action<SolidCacheOptions>? configure = null, TimeProvider? clock = null)
    {
        var options = new SolidCacheOptions { ConnectionString = database.ConnectionString, Lanes = 2 };
        configure?.Invoke(options);
        var rules = new SolidCacheOptionsRules().Validate(null, options);
        Assert.False(rules.Failed, rules.FailureMessage);
        var node = new CacheNode(options, services: null, clock ?? TimeProvider.System, NullLoggerFactory.Instance);
        await node.StartAsync(ct);
        return new CacheTestNode(node);
    }

    /// <summary>The value under a key, from wherever it is served; else what <paramref name="load"/> gives.</summary>
    public ValueTask<T> GetAsync<T>(string key, Func<T> load, CancellationToken ct, string[]? tags = null, HybridCacheEntryFlags flags = HybridCacheEntryFlags.None) =>
        Cache.GetOrCreateAsync(key, load, static (l, _) => ValueTask.FromResult(l()), new HybridCacheEntryOptions { Flags = flags }, tags, ct);

    public ValueTask DisposeAsync() => Node.DisposeAsync();
}
