using System.Globalization;

namespace IntegrationTests.SolidCache;

/// <summary>One loader in the whole cluster, and what happens when it fails.</summary>
public class HerdTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Take the election out of EntryLoader.RunAsync and this is three loads.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_thousand_misses_on_three_nodes_are_one_load(int run)
    {
        await using var cluster = await StartAsync(3);
        var loads = 0;
        var values = await Race.RunAsync(1000, i => cluster[i % 3].GetAsync("key", () => $"{run} {Interlocked.Increment(ref loads)}", Ct).AsTask());
        Assert.All(values, value => Assert.Equal($"{run} 1", value));
        Assert.Equal(1, loads);
    }

    [Fact]
    public async Task When_the_elected_loader_throws_the_others_go_on()
    {
        await using var cluster = await StartAsync(3);
        var loads = 0;
        var results = await Race.RunAsync(300, async i =>
        {
            try
            {
                return await cluster[i % 3].GetAsync("key", () => Interlocked.Increment(ref loads) == 1 ? throw new InvalidDataException() : "value", Ct);
            }
            catch (InvalidDataException)
            {
                return "failed";
            }
        });
        // Only those who waited with it on its node.
        Assert.InRange(results.Count(r => r == "failed"), 1, 100);
        Assert.InRange(results.Count(r => r == "value"), 200, 299);
        Assert.Equal("value", await cluster[0].GetAsync("key", () => "new", Ct));
        // Without LeaveAsync the others would have waited for ten seconds, and the lease would still be there.
        await using var count = cluster.Database.DataSource.CreateCommand("SELECT count(*) FROM solid_cache.solid_cache_leases WHERE name LIKE 'load:%'");
        Assert.Equal(0L, await count.ExecuteScalarAsync(Ct));
    }

    // One that was killed can't give its lease back: it lapses. Without the look at expires_at in enter.sql this waits for ever.
    [Fact]
    public async Task When_the_elected_loader_has_died_another_is_elected()
    {
        await using var cluster = await StartAsync(2);
        await using (var hold = cluster.Database.DataSource.CreateCommand(
            "INSERT INTO solid_cache.solid_cache_leases (name, owner, expires_at) VALUES ('load:key', gen_random_uuid(), now() + interval '1 day')")) await hold.ExecuteNonQueryAsync(Ct);
        var loads = 0;
        var asked = Task.WhenAll(Enumerable.Range(0, 10).Select(i => cluster[i % 2].GetAsync("key", () => $"{Interlocked.Increment(ref loads)}", Ct).AsTask()));
        Assert.False(asked.IsCompleted);
        Assert.Equal(0, loads);
        await using (var lapse = cluster.Database.DataSource.CreateCommand("UPDATE solid_cache.solid_cache_leases SET expires_at = now() - interval '1 second'")) await lapse.ExecuteNonQueryAsync(Ct);
        Assert.All(await asked, value => Assert.Equal("1", value));
        Assert.Equal(1, loads);
    }

    // What the elected one may not store the others can't wait for: each node loads once, one after another.
    [Fact]
    public async Task A_value_that_can_not_be_kept_reaches_all_the_same()
    {
        await using var cluster = await StartAsync(3);
        var loads = 0;
        var values = await Race.RunAsync(30, i => cluster[i % 3].Cache.GetOrLoadAsync("key", 0, (_, context, _) =>
        {
            context.DoNotStore = true;
            return ValueTask.FromResult(Interlocked.Increment(ref loads).ToString(CultureInfo.InvariantCulture));
        }, token: Ct).AsTask());
        Assert.All(values, value => Assert.NotEmpty(value));
    }

    // A caller who leaves must not hold the lease for those who stay.
    [Fact]
    public async Task When_the_elected_loader_is_cancelled_another_node_goes_on()
    {
        await using var cluster = await StartAsync(2);
        using var impatient = new CancellationTokenSource();
        var load = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = cluster[0].Cache.GetOrCreateAsync("key", async ct =>
        {
            load.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            return "never";
        }, cancellationToken: impatient.Token).AsTask();
        await load.Task;
        var second = cluster[1].GetAsync("key", () => "value", Ct).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal("value", await second);
    }

    private Task<CacheCluster> StartAsync(int nodes) =>
        CacheCluster.StartAsync(servers, nodes, Ct, o => o.DefaultGroup.OneLoaderPerCluster = true);
}
