using Microsoft.Extensions.Caching.Hybrid;

namespace IntegrationTests.SolidCache;

/// <summary>What is out of its limits is refused before anything is done, with the limit's name.</summary>
public class LimitsTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task Keys_and_tags_have_1_to_1024_bytes_of_Unicode()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        var cache = node.Cache;
        var calls = new Func<string, Task>[]
        {
            key => cache.GetOrCreateAsync(key, Load, null, null, Ct).AsTask(),
            key => cache.GetOrCreateAsync("key", Load, new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCacheRead }, [key], Ct).AsTask(),
            key => cache.GetOrLoadAsync(key, 0, static (_, _, _) => ValueTask.FromResult(""), token: Ct).AsTask(),
            key => cache.GetOrLoadAsync($"loaded {key?.Length}", key!, static (tag, context, _) =>
            {
                context.AddTag(tag);
                return ValueTask.FromResult("");
            }, token: Ct).AsTask(),
            key => cache.SetAsync(key, "value", cancellationToken: Ct).AsTask(),
            key => cache.SetAsync("key", "value", null, [key], Ct).AsTask(),
            key => cache.CaptureAsync(key, token: Ct),
            key => cache.RemoveAsync(key, Ct).AsTask(),
            key => cache.RemoveAsync(["key", key], Ct).AsTask(),
            key => cache.RemoveByTagAsync(key, Ct).AsTask(),
            key => cache.RemoveByTagAsync(["tag", key], Ct).AsTask(),
            key => cache.RemoveByPrefixAsync(key, Ct).AsTask(),
            key => cache.CurrentRevisionAsync([key], Ct),
        };
        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<ArgumentNullException>(() => Task.Run(() => call(null!)));
            await Assert.ThrowsAsync<ArgumentException>(() => Task.Run(() => call("")));
            await Assert.ThrowsAsync<ArgumentException>(() => Task.Run(() => call("\ud800")));
            foreach (var large in new[] { new string('x', 1025), new string('\u00e4', 513), new string('x', 100_000) })
                Assert.Contains("1024", (await Assert.ThrowsAsync<ArgumentException>(() => Task.Run(() => call(large)))).Message, StringComparison.Ordinal);
            await call(new string('x', 1024));
            await call(new string('\u00e4', 512));
            await call(new string('\0', 1024));
        }

        Assert.Equal("", await cache.GetOrCreateAsync($"{new string('y', 1000)}", Load, null, null, Ct));
        await Assert.ThrowsAsync<ArgumentException>(async () => await cache.GetOrCreateAsync(ReadOnlySpan<char>.Empty, Load, null, null, Ct));
    }

    [Fact]
    public async Task An_entry_has_64_tags_at_most()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        var tags = Enumerable.Range(0, 65).Select(i => $"tag {i}").ToArray();
        Assert.Equal("", await node.Cache.GetOrCreateAsync("key", Load, null, tags[..64], Ct));
        Assert.Contains("64", (await Assert.ThrowsAsync<ArgumentException>(async () => await node.Cache.GetOrCreateAsync("other", Load, null, tags, Ct))).Message, StringComparison.Ordinal);
        Assert.Contains("64", (await Assert.ThrowsAsync<ArgumentException>(() => node.Cache.SetAsync("other", "", null, tags, Ct).AsTask())).Message, StringComparison.Ordinal);
        await node.Cache.RemoveByTagAsync(tags[63], Ct);
        Assert.Equal("new", await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("new"), null, tags[..64], Ct));
        var failure = await Assert.ThrowsAsync<ArgumentException>(() => node.Cache.GetOrLoadAsync("loaded", tags, static (all, context, _) =>
        {
            foreach (var tag in all.Concat(all)) context.AddTag(tag);
            return ValueTask.FromResult("");
        }, token: Ct).AsTask());
        Assert.Contains("64", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task A_life_is_longer_than_nothing(int seconds)
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        var life = TimeSpan.FromSeconds(seconds);
        foreach (var options in new[] { new HybridCacheEntryOptions { Expiration = life }, new HybridCacheEntryOptions { LocalCacheExpiration = life } })
        {
            await Assert.ThrowsAsync<ArgumentException>(async () => await node.Cache.GetOrCreateAsync("key", Load, options, null, Ct));
            await Assert.ThrowsAsync<ArgumentException>(() => node.Cache.SetAsync("key", "", options, null, Ct).AsTask());
        }
    }

    // "For ever" once overflowed: the entry had ended before it began.
    [Theory]
    [InlineData(CacheTiers.Memory)]
    [InlineData(CacheTiers.Postgres)]
    public async Task A_life_may_be_as_long_as_can_be_said(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        var options = new HybridCacheEntryOptions { Expiration = TimeSpan.MaxValue, LocalCacheExpiration = TimeSpan.MaxValue };
        Assert.Equal("old", await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("old"), options, null, Ct));
        Assert.Equal("old", await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("new"), options, null, Ct));
        await node.Cache.SetAsync("key", "set", options, null, Ct);
        Assert.Equal("set", await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("new"), options, null, Ct));
    }

    private static ValueTask<string> Load(CancellationToken ct) => ValueTask.FromResult("");
}
