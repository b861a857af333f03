using SolidCache.Loading;

namespace IntegrationTests.SolidCache;

/// <summary>Rule 5: tags that only the loader knows, bumped before, during and after its load.</summary>
public class LoaderTagsTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tag_of_the_loader_makes_its_entry_invalid(bool inMemory)
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 2, Ct, o => o.DefaultGroup.InMemory = inMemory);
        Assert.Equal("old", await LoadAsync(cluster, 0, c => c.AddTag("late")));
        Assert.Equal("old", await LoadAsync(cluster, 1, c => c.AddTag("late")));
        await cluster[1].Cache.RemoveByTagAsync("other", Ct);
        cluster.Source = "new";
        Assert.Equal("old", await LoadAsync(cluster, 0, c => c.AddTag("late")));
        await cluster[1].Cache.RemoveByTagAsync("late", Ct);
        // Leave the second look out of EntryLoader.AreCurrentAsync and what PostgreSQL has is served.
        Assert.Equal("new", await LoadAsync(cluster, 0, c => c.AddTag("late")));
        Assert.Equal("new", await LoadAsync(cluster, 1, c => c.AddTag("late")));
    }

    // Before: the bump was visible in a poll before the load, so the entry is kept (a poll that sees it is waited for).
    [Fact]
    public async Task A_tag_that_was_bumped_long_before_the_load_is_no_hindrance()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct);
        await cluster[0].Cache.RemoveByTagAsync("late", Ct);
        var bumped = await cluster[0].Cache.CurrentRevisionAsync(["late"], Ct);
        await Eventually.TrueAsync(() => bumped.Xids.All(cluster[0].Node.State.Lease.Snapshot.Sees), TimeSpan.FromSeconds(20));
        Assert.Equal("old", await LoadAsync(cluster, 0, c => c.AddTag("late")));
        cluster.Source = "new";
        Assert.Equal("old", await LoadAsync(cluster, 0, c => c.AddTag("late")));
    }

    // During: the version that is read afterwards is that of the bump, but the data is from before. Keep it, without the look at the
    // snapshot in EntryLoader.MarkAsync, and the old value stays.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tag_that_is_bumped_during_the_load_keeps_the_value_from_being_kept(bool inMemory)
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 2, Ct, o => o.DefaultGroup.InMemory = inMemory);
        var value = await cluster[0].Cache.GetOrLoadAsync(CacheCluster.Key, cluster, async (c, context, ct) =>
        {
            var read = c.Source;
            c.Source = "new";
            await c[1].Cache.RemoveByTagAsync("late", ct);
            context.AddTag("late");
            return read;
        }, token: Ct);
        Assert.Equal("old", value);
        Assert.Equal("new", await LoadAsync(cluster, 0, c => c.AddTag("late")));
        Assert.Equal("new", await LoadAsync(cluster, 1, c => c.AddTag("late")));
    }

    // With the version its data was read with, a loader may name any tag: one that is old already is refused, the newest is kept.
    [Fact]
    public async Task A_version_that_came_with_the_data_decides()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct);
        await cluster[0].Cache.RemoveByTagAsync("late", Ct);
        var first = (await cluster[0].Cache.CurrentRevisionAsync(["late"], Ct)).Versions[0];
        await cluster[0].Cache.RemoveByTagAsync("late", Ct);
        var second = (await cluster[0].Cache.CurrentRevisionAsync(["late"], Ct)).Versions[0];
        Assert.Equal("old", await LoadAsync(cluster, 0, c => c.AddTag("late", first)));
        cluster.Source = "new";
        Assert.Equal("new", await LoadAsync(cluster, 0, c => c.AddTag("late", second)));
        cluster.Source = "newer";
        Assert.Equal("new", await LoadAsync(cluster, 0, c => c.AddTag("late", second)));
        await cluster[0].Cache.RemoveByTagAsync("late", Ct);
        Assert.Equal("newer", await LoadAsync(cluster, 0, c => c.AddTag("late", second)));
    }

    [Fact]
    public async Task A_tag_that_the_caller_named_as_well_goes_by_the_callers_look()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct);
        var value = await cluster[0].Cache.GetOrLoadAsync(CacheCluster.Key, cluster, async (c, context, ct) =>
        {
            var read = c.Source;
            c.Source = "new";
            await c[0].Cache.RemoveByTagAsync("tag", ct);
            context.AddTag("tag", (await c[0].Cache.CurrentRevisionAsync(["tag"], ct)).Versions[0]);
            return read;
        }, null, ["tag"], Ct);
        Assert.Equal("old", value);
        Assert.Equal("new", await cluster.ReadAsync(0, ["tag"]));
    }

    private ValueTask<string> LoadAsync(CacheCluster cluster, int node, Action<LoadContext> decide) =>
        cluster[node].Cache.GetOrLoadAsync(CacheCluster.Key, (cluster, decide), static (s, context, _) =>
        {
            s.decide(context);
            return ValueTask.FromResult(s.cluster.Source);
        }, token: Ct);
}
