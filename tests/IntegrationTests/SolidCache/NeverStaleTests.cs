namespace IntegrationTests.SolidCache;

/// <summary>
/// The six ways in which caches of the field bring back what was invalidated. Each test reads the value of one row; the change takes place where
/// the race is tightest. All fail with <c>Mechanisms.Stamp</c> switched off, which the last test shows.
/// </summary>
public class NeverStaleTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task Invalidated_by_tag_during_a_load_on_the_same_node()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct);
        var load = cluster.BeginLoad(0, tags: ["t"]);
        await load.HasRead;
        cluster.Source = "new";
        await cluster[0].Cache.RemoveByTagAsync("t", Ct);
        Assert.Equal("old", await load.FinishAsync());
        Assert.Equal("new", await cluster.ReadAsync(0, ["t"]));
    }

    [Fact]
    public async Task Removed_by_key_during_a_load()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct);
        var load = cluster.BeginLoad(0);
        await load.HasRead;
        cluster.Source = "new";
        await cluster[0].Cache.RemoveAsync(CacheCluster.Key, Ct);
        await load.FinishAsync();
        Assert.Equal("new", await cluster.ReadAsync(0));
    }

    [Fact]
    public async Task Removed_on_one_node_during_a_load_on_another()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 2, Ct);
        var load = cluster.BeginLoad(0);
        await load.HasRead;
        cluster.Source = "new";
        await cluster[1].Cache.RemoveAsync(CacheCluster.Key, Ct);
        await load.FinishAsync();
        Assert.Equal("new", await cluster.ReadAsync(0));
        Assert.Equal("new", await cluster.ReadAsync(1));
    }

    [Fact]
    public async Task A_load_in_the_background_that_ends_after_the_invalidation()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct);
        using var impatient = new CancellationTokenSource();
        var load = cluster.BeginLoad(0);
        await load.HasRead;
        var other = cluster.BeginLoad(0, ct: impatient.Token);
        await impatient.CancelAsync();
        cluster.Source = "new";
        await cluster[0].Cache.RemoveAsync(CacheCluster.Key, Ct);
        // Whoever asks now joins the load under way, or not; it must not get what that one read.
        var asked = cluster.ReadAsync(0);
        await load.FinishAsync();
        Assert.Equal("new", await asked);
        Assert.Equal("new", await cluster.ReadAsync(0));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(other.FinishAsync);
    }

    [Fact]
    public async Task Another_node_that_has_seen_the_tag_before()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 2, Ct);
        for (var round = 0; round < 3; round++)
        {
            cluster.Source = $"old {round}";
            await cluster[0].Cache.RemoveByTagAsync("t", Ct);
            Assert.Equal($"old {round}", await cluster.ReadAsync(0, ["t"]));
            Assert.Equal($"old {round}", await cluster.ReadAsync(1, ["t"]));
        }

        cluster.Source = "new";
        await cluster[0].Cache.RemoveByTagAsync("t", Ct);
        Assert.Equal("new", await cluster.ReadAsync(1, ["t"]));
    }

    [Fact]
    public async Task A_cold_node_that_learns_of_the_invalidation_later_than_of_the_value()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct);
        Assert.Equal("old", await cluster.ReadAsync(0, ["t"]));
        cluster.Source = "new";
        await cluster[0].Cache.RemoveByTagAsync("t", Ct);
        var cold = await cluster.AddAsync();
        Assert.Equal("new", await cluster.ReadAsync(cold, ["t"]));
    }

    // The negative control of this file: without the comparison of stamps the old value comes back.
    [Fact]
    public async Task Without_stamps_the_old_value_comes_back()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct, o => o.Freshness.Disabled = global::SolidCache.Freshness.Mechanisms.Stamp);
        var load = cluster.BeginLoad(0, tags: ["t"]);
        await load.HasRead;
        cluster.Source = "new";
        await cluster[0].Cache.RemoveByTagAsync("t", Ct);
        await load.FinishAsync();
        Assert.Equal("old", await cluster.ReadAsync(0, ["t"]));
    }
}
