using Npgsql;

namespace IntegrationTests.SolidCache;

/// <summary>Everything whose key begins with a text: by a tag in one step where the group declares it, else by a sweep.</summary>
public class PrefixTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Leave the prefixes out of EntryRequest.TagsOf and everything stays.
    [Fact]
    public async Task A_declared_prefix_is_one_step_and_reaches_every_node_and_nothing_else()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 2, Ct, o => o.AddGroup("users", "user:", g => (g.HasPrefixTags, g.InPostgres) = (true, false)));
        string[] keys = ["user:1", "user:1:", "user:1:name", "user:1:name:first", "user:12", "user:", "other:user:1:name"];
        foreach (var node in cluster.Nodes) foreach (var key in keys) await node.GetAsync(key, () => "old", Ct);
        await cluster[0].Cache.RemoveByPrefixAsync("user:1:", Ct);
        foreach (var node in cluster.Nodes)
        {
            foreach (var key in keys)
            {
                var isHit = key.StartsWith("user:1:", StringComparison.Ordinal);
                Assert.Equal((key, isHit ? "new" : "old"), (key, await node.GetAsync(key, () => "new", Ct)));
            }
        }

        // One bump, for one tag.
        var bumped = await cluster[0].Cache.CurrentRevisionAsync(["user:1:"], Ct);
        Assert.Single(bumped.Xids);
        await using var count = cluster.Database.DataSource.CreateCommand("SELECT count(*) FROM solid_cache.solid_cache_invalidations");
        Assert.Equal(1L, await count.ExecuteScalarAsync(Ct));
    }

    // A prefix that also covers a group without prefix tags can't be one step. Leave that look out of RemoveByPrefixAsync and "a:b:1" stays.
    [Fact]
    public async Task A_prefix_over_several_groups_reaches_all_of_them()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct, o => o.AddGroup("a", "a:", g => g.HasPrefixTags = true).AddGroup("b", "a:b:"));
        foreach (var key in new[] { "a:1", "a:b:1" }) await cluster[0].GetAsync(key, () => "old", Ct);
        await cluster[0].Cache.RemoveByPrefixAsync("a:", Ct);
        foreach (var key in new[] { "a:1", "a:b:1" }) Assert.Equal("new", await cluster[0].GetAsync(key, () => "new", Ct));
    }

    // LIKE instead of starts_with, or a prefix that isn't escaped as keys are, and some of these differ.
    [Theory]
    [InlineData("50%", "500")]
    [InlineData("a_b", "axb")]
    [InlineData("a\\", "a")]
    [InlineData("a\\%", "a\\")]
    [InlineData("\0", "0")]
    [InlineData("\u0001", "1")]
    [InlineData("\u0001", "\0")]
    [InlineData("\u00010", "\0")]
    [InlineData("a\0b", "a\u00010b")]
    [InlineData("\u0001d", "\u0001")]
    [InlineData("\u00e4", "a")]
    [InlineData("'; DROP", "';")]
    public async Task A_sweep_takes_texts_as_they_are(string prefix, string other)
    {
        foreach (var inMemory in new[] { true, false })
        {
            await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct, o => (o.DefaultGroup.InMemory, o.DefaultGroup.InPostgres) = (inMemory, !inMemory));
            string[] swept = [prefix, prefix + "1", prefix + "\0", prefix + "\u0001%_\\", prefix + "\ud83d\ude00"];
            string[] kept = [other, "x" + prefix, "unlike"];
            foreach (var key in swept.Concat(kept)) Assert.Equal("old", await cluster[0].GetAsync(key, () => "old", Ct));
            await cluster[0].Cache.RemoveByPrefixAsync(prefix, Ct);
            foreach (var key in swept) Assert.Equal((inMemory, key, "new"), (inMemory, key, await cluster[0].GetAsync(key, () => "new", Ct)));
            foreach (var key in kept) Assert.Equal((inMemory, key, "old"), (inMemory, key, await cluster[0].GetAsync(key, () => "new", Ct)));
        }
    }

    [Fact]
    public async Task A_sweep_of_more_than_a_slice_reaches_all_on_all_nodes()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 2, Ct);
        await Task.WhenAll(Enumerable.Range(0, 2500).Select(i => cluster[1].GetAsync($"key {i}", () => "old", Ct).AsTask()));
        await cluster[0].Cache.RemoveByPrefixAsync("key ", Ct);
        foreach (var node in cluster.Nodes)
        {
            var values = await Task.WhenAll(Enumerable.Range(0, 2500).Select(i => node.GetAsync($"key {i}", () => "new", Ct).AsTask()));
            Assert.All(values, value => Assert.Equal("new", value));
        }
    }

    [Fact]
    public async Task The_group_with_the_longest_prefix_has_the_key()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct, o => o.AddGroup("short", "a").AddGroup("long", "a:b").AddGroup("middle", "a:"));
        var expected = new Dictionary<string, string>(StringComparer.Ordinal) { ["a"] = "short", ["a1"] = "short", ["a:1"] = "middle", ["a:b"] = "long", ["a:b:1"] = "long", ["b"] = "default" };
        foreach (var group in expected.Values.Distinct())
        {
            foreach (var key in expected.Keys) await cluster[0].GetAsync(key, () => "old", Ct);
            await cluster[0].Cache.RemoveByTagAsync($"all:{group}", Ct);
            // Take the first group that fits instead of the longest and "a:b:1" is the short one's.
            foreach (var key in expected.Keys) Assert.Equal((key, expected[key] == group ? "new" : "old"), (key, await cluster[0].GetAsync(key, () => "new", Ct)));
            await cluster[0].Cache.RemoveByTagAsync("*", Ct);
        }
    }

    [Fact]
    public async Task A_sweep_needs_the_server()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct);
        await cluster.Database.SetReachableAsync(false, Ct);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => cluster[0].Cache.RemoveByPrefixAsync("key", Ct).AsTask());
        await cluster.Database.SetReachableAsync(true, Ct);
    }
}
