using Microsoft.Extensions.Caching.Hybrid;
using Npgsql;
using SolidCache;

namespace IntegrationTests.SolidCache;

/// <summary>What every user of <see cref="HybridCache"/> may expect, on every way to put the tiers together.</summary>
public class ConformanceTests(Servers servers) : IClassFixture<Servers>
{
    private const HybridCacheEntryFlags OnlyKept = HybridCacheEntryFlags.DisableUnderlyingData;

    private int _loads;

    public static TheoryData<string> All => CacheTiers.All;

    public static TheoryData<string> Keeping => CacheTiers.Keeping;

    public static TheoryData<string> Serving => CacheTiers.Serving;

    private CancellationToken Ct => servers.TestTimeout;

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_value_is_loaded_and_found_again(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        for (var i = 0; i < 20; i++) Assert.Equal("value", await GetAsync(node.Cache, "key", "value"));
        // Leave a write out of EntryLoader.KeepAsync and the tier alone loads twenty times.
        if (tiers == CacheTiers.NoServer) Assert.Equal(20, _loads);
        else if (tiers != CacheTiers.Faulty) Assert.Equal(1, _loads);
    }

    [Theory]
    [MemberData(nameof(Keeping))]
    public async Task All_overloads_speak_of_the_same_entry(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        HybridCache cache = node.Cache;
        var id = 42;
        var ct = Ct;
        string[] tags = ["tag"];
        Assert.Equal("first", await cache.GetOrCreateAsync("key:42", _ => ValueTask.FromResult("first"), null, tags, ct));
        Assert.Equal("first", await cache.GetOrCreateAsync("key:42", "state", static (s, _) => ValueTask.FromResult(s), null, tags, ct));
        Assert.Equal("first", await cache.GetOrCreateAsync("key:42".AsSpan(), _ => ValueTask.FromResult("span"), null, tags, ct));
        Assert.Equal("first", await cache.GetOrCreateAsync("a key:42".AsSpan(2), "state", static (s, _) => ValueTask.FromResult(s), null, tags, ct));
        Assert.Equal("first", await cache.GetOrCreateAsync($"key:{id}", _ => ValueTask.FromResult("text"), null, tags, ct));
        Assert.Equal("first", await cache.GetOrCreateAsync($"key:{id}", "state", static (s, _) => ValueTask.FromResult(s), null, tags, ct));
        Assert.Equal("first", await node.Cache.GetOrLoadAsync("key:42", "state", static (s, _, _) => ValueTask.FromResult(s), null, tags, ct));

        await cache.RemoveAsync("key:42", ct);
        Assert.Equal("second", await cache.GetOrCreateAsync($"key:{id}", _ => ValueTask.FromResult("second"), null, tags, ct));
        Assert.Equal("second", await cache.GetOrCreateAsync("key:42", _ => ValueTask.FromResult("third"), null, tags, ct));
    }

    [Theory]
    [MemberData(nameof(Serving))]
    public async Task What_is_removed_is_loaded_anew_by_whatever_way(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        var cache = node.Cache;
        var ways = new Func<Task>[]
        {
            () => cache.RemoveAsync("key", Ct).AsTask(),
            () => cache.RemoveAsync(["other", "key"], Ct).AsTask(),
            () => cache.RemoveAsync([.. Enumerable.Range(0, TieredCache.MaxBumpedTags).Select(i => $"other {i}"), "key"], Ct).AsTask(),
            () => cache.RemoveByTagAsync("tag", Ct).AsTask(),
            () => cache.RemoveByTagAsync(["other", "tag"], Ct).AsTask(),
            () => cache.RemoveByTagAsync("*", Ct).AsTask(),
            () => cache.RemoveByTagAsync("all", Ct).AsTask(),
            () => cache.RemoveByTagAsync("all:default", Ct).AsTask(),
            () => cache.RemoveByTagAsync("key", Ct).AsTask(),
            () => cache.RemoveByTagAsync([.. Enumerable.Range(0, TieredCache.MaxBumpedTags).Select(i => $"other {i}"), "tag"], Ct).AsTask(),
            () => cache.SetAsync("key", "overwritten", new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCacheWrite | HybridCacheEntryFlags.DisableDistributedCacheWrite }, ["tag"], Ct).AsTask(),
        };
        for (var way = 0; way < ways.Length; way++)
        {
            Assert.Equal($"{way}", await GetAsync(cache, "key", $"{way}"));
            await ways[way]();
            // Without the bump in the way that is tried, memory goes on serving.
            Assert.Equal($"{way + 1}", await GetAsync(cache, "key", $"{way + 1}"));
        }
    }

    [Theory]
    [MemberData(nameof(Keeping))]
    public async Task What_is_removed_leaves_everything_else(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        await GetAsync(node.Cache, "key", "kept");
        await node.Cache.RemoveAsync(["key 2", "ke"], Ct);
        await node.Cache.RemoveAsync([], Ct);
        await node.Cache.RemoveByTagAsync(["ta", "tag 2", "TAG"], Ct);
        await node.Cache.RemoveByTagAsync([], Ct);
        await node.Cache.RemoveByTagAsync("all:other", Ct);
        Assert.Equal("kept", await GetAsync(node.Cache, "key", "loaded"));
    }

    [Theory]
    [MemberData(nameof(Serving))]
    public async Task A_value_that_is_set_is_found_and_the_ones_before_it_are_not(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        for (var i = 0; i < 5; i++)
        {
            await node.Cache.SetAsync("key", $"{i}", null, ["tag"], Ct);
            // Where a tier fails, a load gives what is current as well.
            Assert.Equal($"{i}", await GetAsync(node.Cache, "key", $"{i}"));
        }

        if (tiers != CacheTiers.Faulty) Assert.Equal(0, _loads);
    }

    [Theory]
    [MemberData(nameof(Keeping))]
    public async Task What_is_only_asked_for_is_not_loaded(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        var options = new HybridCacheEntryOptions { Flags = OnlyKept };
        Assert.Null(await node.Cache.GetOrCreateAsync<string?>("key", null!, options, cancellationToken: Ct));
        Assert.Equal(0, await node.Cache.GetOrCreateAsync<int>("key", null!, options, cancellationToken: Ct));
        Assert.Null(await node.Cache.GetOrCreateAsync<object?, string?>("key", null, null!, options, cancellationToken: Ct));
        await node.Cache.SetAsync("key", "kept", cancellationToken: Ct);
        Assert.Equal("kept", await node.Cache.GetOrCreateAsync<string?>("key", null!, options, cancellationToken: Ct));
        await Assert.ThrowsAsync<ArgumentNullException>(() => node.Cache.GetOrCreateAsync<object?, string?>("other", null, null!, cancellationToken: Ct).AsTask());
    }

    // Take one flag out of EntryRequest (or out of MayReadMemory) and one of these 256 cases differs.
    [Fact]
    public async Task Every_combination_of_flags_reads_and_writes_what_it_says()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        await Task.WhenAll(Enumerable.Range(0, 4 * 64).Select(async number =>
        {
            var (flags, inMemory, inPostgres) = ((HybridCacheEntryFlags)(number % 64), (number & 64) != 0, (number & 128) != 0);
            var key = $"key {number}";
            var before = (inMemory ? HybridCacheEntryFlags.None : HybridCacheEntryFlags.DisableLocalCacheWrite)
                | (inPostgres ? HybridCacheEntryFlags.None : HybridCacheEntryFlags.DisableDistributedCacheWrite);
            await node.Cache.SetAsync(key, "kept", new HybridCacheEntryOptions { Flags = before }, null, Ct);

            var fromMemory = inMemory && !flags.HasFlag(HybridCacheEntryFlags.DisableLocalCacheRead);
            var fromPostgres = !fromMemory && inPostgres && !flags.HasFlag(HybridCacheEntryFlags.DisableDistributedCacheRead);
            var loaded = !fromMemory && !fromPostgres && !flags.HasFlag(HybridCacheEntryFlags.DisableUnderlyingData);
            var value = await node.Cache.GetOrCreateAsync(key, _ => ValueTask.FromResult<string?>("loaded"), new HybridCacheEntryOptions { Flags = flags }, null, Ct);
            Assert.Equal((number, fromMemory || fromPostgres ? "kept" : loaded ? "loaded" : null), (number, value));

            var written = fromPostgres || loaded;
            var nowInMemory = inMemory || (written && !flags.HasFlag(HybridCacheEntryFlags.DisableLocalCacheWrite));
            Assert.Equal((number, nowInMemory), (number, node.Node.Memory.TryGet(key, out _)));
            var nowInPostgres = inPostgres || (loaded && !flags.HasFlag(HybridCacheEntryFlags.DisableDistributedCacheWrite));
            var stored = await node.Cache.GetOrCreateAsync<string?>(key, null!, new HybridCacheEntryOptions { Flags = OnlyKept | HybridCacheEntryFlags.DisableLocalCache }, null, Ct);
            Assert.Equal((number, nowInPostgres), (number, stored is not null));
        }));
    }

    [Fact]
    public async Task Without_a_server_reads_are_loads_and_changes_throw()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.NoServer, Ct);
        var cache = node.Cache;
        Assert.Equal("value", await GetAsync(cache, "key", "value"));
        Assert.Null(await cache.GetOrCreateAsync<string?>("key", null!, new HybridCacheEntryOptions { Flags = OnlyKept }, cancellationToken: Ct));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => cache.RemoveAsync("key", Ct).AsTask());
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => cache.RemoveByTagAsync("tag", Ct).AsTask());
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => cache.RemoveByPrefixAsync("key", Ct).AsTask());
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => cache.SetAsync("key", "value", cancellationToken: Ct).AsTask());
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => cache.CaptureAsync("key", token: Ct));
    }

    [Fact]
    public async Task Where_failures_are_to_be_seen_the_drivers_exception_reaches_the_caller()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.NoServer, Ct, o => o.OnFailure = FailureMode.Throw);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => GetAsync(node.Cache, "key", "value"));
        Assert.Equal(0, _loads);
    }

    [Fact]
    public async Task Failures_of_a_tier_that_are_to_be_seen_are_seen()
    {
        await using var node = await CacheTiers.StartAsync(
            servers, CacheTiers.Both, Ct, o => (o.OnFailure, o.Chaos.Postgres.FailureProbability) = (FailureMode.Throw, 1));
        await Assert.ThrowsAsync<ChaosException>(() => GetAsync(node.Cache, "key", "value"));
    }

    private Task<string> GetAsync(HybridCache cache, string key, string value) => cache.GetOrCreateAsync(key, _ =>
    {
        Interlocked.Increment(ref _loads);
        return ValueTask.FromResult(value);
    }, null, ["tag"], Ct).AsTask();
}
