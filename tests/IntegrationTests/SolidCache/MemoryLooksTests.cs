namespace IntegrationTests.SolidCache;

/// <summary>What memory says without a load: of one key, and of two at one moment.</summary>
public class MemoryLooksTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Judge only one of the two marks in FreshnessState.MayServe, and what was removed is served beside the other; take the value for the other, and the two are exchanged.
    [Fact]
    public async Task Two_values_are_served_together_or_not_at_all()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 2, Ct);
        var cache = cluster[0].Cache;
        Assert.False(Look(out _, out _));
        foreach (var removed in new[] { "one", "two" })
        {
            foreach (var key in new[] { "one", "two" }) await cluster[0].GetAsync(key, () => key + removed, Ct);
            Assert.True(Look(out var one, out var two));
            Assert.StartsWith("one", one, StringComparison.Ordinal);
            Assert.StartsWith("two", two, StringComparison.Ordinal);

            // By another node: the entries stay where they are, and are not to be served.
            await cluster[1].Cache.RemoveAsync(removed, Ct);
            Assert.False(Look(out _, out _));
            Assert.False(cache.TryGetFromMemory<string>(removed, out _));
            Assert.True(cache.TryGetFromMemory<string>(removed == "one" ? "two" : "one", out _));
        }

        bool Look(out string? one, out string? two) => cache.TryGetFromMemory("one", out one, out _, "two", out two);
    }
}
