using System.Text;
using Microsoft.Extensions.Caching.Hybrid;
using SolidCache;
using SolidCache.Freshness;
using SolidCache.Redis;

namespace IntegrationTests.SolidCache.Redis;

/// <summary>The tier against a real server: what it spares, and that nothing put into Redis by anybody is served when it shouldn't be.</summary>
public class RedisTierTests(Servers servers) : IClassFixture<Servers>
{
    private const string Key = CacheCluster.Key;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes("a secret that all nodes of a test share");

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    // Leave the write to Redis out, or its read, and the second node loads.
    [Fact]
    public async Task What_one_node_has_loaded_another_need_not_load()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 2);
        Assert.Equal("old", await cluster.ReadAsync(0));
        await StoredAsync(redis);
        cluster.Source = "never asked for";
        Assert.Equal("old", await cluster.ReadAsync(1));
        Assert.True(cluster[1].Cache.TryGetFromMemory<string>(Key, out _));
    }

    // A node that begins after the load: it knows of invalidations from the log alone.
    [Fact]
    public async Task A_new_node_begins_with_what_others_have_left()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 1);
        Assert.Equal("old", await cluster.ReadAsync(0));
        await StoredAsync(redis);
        cluster.Source = "never asked for";
        var late = await cluster.AddAsync();
        await ConnectedAsync(cluster[late]);
        Assert.Equal("old", await cluster.ReadAsync(late));
    }

    [Fact]
    public async Task What_was_made_invalid_is_not_served_from_Redis_by_any_node_old_or_new() => Assert.Equal(0, await ServedFromBeforeAsync(Mechanisms.None));

    [Fact]
    public async Task Without_stamps_it_would_be() => Assert.InRange(await ServedFromBeforeAsync(Mechanisms.Stamp), 1, int.MaxValue);

    // An entry is put back after its invalidation, when the log of invalidations has been pruned and every node has forgotten: a dump restored.
    [Fact]
    public async Task What_is_older_than_everybodys_memory_is_not_served() => Assert.Equal("new", await RestoredAfterRetentionAsync(Mechanisms.None));

    [Fact]
    public async Task Without_the_horizon_it_would_be() => Assert.Equal("old", await RestoredAfterRetentionAsync(Mechanisms.Horizon));

    [Fact]
    public async Task Values_that_were_swapped_or_edited_are_not_served() => Assert.Equal(["one", "two", "three"], await ForgeAsync(Mechanisms.None));

    [Fact]
    public async Task Without_the_MAC_they_would_be() => Assert.NotEqual(["one", "two", "three"], await ForgeAsync(Mechanisms.Mac));

    [Fact]
    public async Task After_a_crash_of_the_database_nothing_from_before_is_served()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 1);
        Assert.Equal("old", await cluster.ReadAsync(0));
        await StoredAsync(redis);
        cluster.Source = "new";
        // What a crash does to the one table that says which incarnation it is.
        await using (var crash = cluster.Database.DataSource.CreateCommand("TRUNCATE solid_cache.solid_cache_incarnation")) await crash.ExecuteNonQueryAsync(_ct);
        await Eventually.TrueAsync(async () => await cluster.ReadAsync(0) == "new", Soon);
        var late = await cluster.AddAsync();
        await ConnectedAsync(cluster[late]);
        Assert.Equal("new", await cluster.ReadAsync(late));
    }

    // Its own end of life, whatever Redis thinks of it.
    [Fact]
    public async Task What_has_expired_is_not_served_though_Redis_has_it()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 2);
        await cluster[0].Cache.GetOrCreateAsync(Key, _ => ValueTask.FromResult("old"), new HybridCacheEntryOptions { Expiration = TimeSpan.FromMilliseconds(300) }, null, _ct);
        await StoredAsync(redis);
        await redis.CliAsync(_ct, "PERSIST", Key);
        cluster.Source = "new";
        await Eventually.TrueAsync(async () => await cluster[1].Cache.GetOrCreateAsync(Key, _ => ValueTask.FromResult("new"), new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCacheWrite }, null, _ct) == "new", Soon);
        Assert.Equal("new", await cluster.ReadAsync(1));
    }

    [Fact]
    public async Task Without_Redis_everything_goes_on_and_with_it_again()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 2);
        Assert.Equal("old", await cluster.ReadAsync(0));
        await redis.KillAsync();
        await Eventually.TrueAsync(() => cluster[0].Cache.RedisState == RedisState.Away && cluster[1].Cache.RedisState == RedisState.Away, Soon);
        await cluster[0].Cache.RemoveAsync(Key, _ct);
        cluster.Source = "new";
        Assert.Equal("new", await cluster.ReadAsync(0));
        Assert.Equal("new", await cluster.ReadAsync(1));
        await redis.RestartAsync(_ct);
        await Eventually.TrueAsync(() => cluster[0].Cache.RedisState == RedisState.InUse, Soon);
        Assert.Equal("new", await cluster.ReadAsync(0));
    }

    // A server that hangs: some wait a command's time, then the breaker spares the others that.
    [Fact]
    public async Task A_Redis_that_hangs_is_left_alone_after_some_failures()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 1, configure: o => o.Redis.ConnectionString = redis.Address);
        redis.Pause();
        var node = cluster[0];
        for (var i = 0; i < RedisBreaker.FailuresToOpen * 2; i++)
            Assert.Equal("value", await node.GetAsync($"key:{i}", () => "value", _ct));
        Assert.NotEqual(BreakerState.Closed, node.Node.RedisTier!.Breaker.State);
        redis.Resume();
        await Eventually.TrueAsync(async () =>
        {
            await node.GetAsync($"key:{Guid.NewGuid()}", () => "value", _ct);
            return node.Cache.RedisState == RedisState.InUse;
        }, Soon);
    }

    // Another installation on the same server: neither its entries nor its messages count here.
    [Fact]
    public async Task Two_installations_share_a_server_without_meeting()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var one = await StartAsync(redis, 1);
        await using var other = await CacheCluster.StartAsync(servers, 1, _ct, o =>
            (o.Redis.ConnectionString, o.Redis.Key) = (Resp.Clients.Patient(redis.Address), Encoding.UTF8.GetBytes("another secret, of another installation")));
        await ConnectedAsync(other[0]);
        one.Source = "of one";
        other.Source = "of the other";
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("of one", await one.ReadAsync(0));
            Assert.Equal("of the other", await other.ReadAsync(0));
            await one[0].Cache.RemoveAsync(Key, _ct);
            await other[0].Cache.RemoveAsync(Key, _ct);
        }
    }

    // With the sweep over memory and table alone a key that is only in Redis would be served again.
    [Fact]
    public async Task A_prefix_reaches_what_is_only_in_Redis()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 1);
        Assert.Equal("old", await cluster.ReadAsync(0));
        await StoredAsync(redis);
        await using (var forget = cluster.Database.DataSource.CreateCommand("TRUNCATE solid_cache.solid_cache_entries")) await forget.ExecuteNonQueryAsync(_ct);
        var late = await cluster.AddAsync();
        await ConnectedAsync(cluster[late]);
        cluster.Source = "new";
        await cluster[late].Cache.RemoveByPrefixAsync("val", _ct);
        Assert.Equal("new", await cluster.ReadAsync(late));
        Assert.Equal("new", await cluster.ReadAsync(0));
    }

    // Polls come once in ten seconds, and nobody sends a NOTIFY while Redis is there: without the message the change waits for the next poll.
    [Fact]
    public async Task A_change_waits_for_no_poll_of_other_nodes()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 3, configure: o => (o.Freshness.Lease, o.Freshness.PollInterval) = (TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(10)));
        await Eventually.TrueAsync(async () => (await redis.CliAsync(_ct, "PUBSUB", "NUMSUB", $"solid_cache:{TagHash.Of("solid_cache"):x16}")).EndsWith('3'), Soon);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < 20; i++) await cluster[i % 3].Cache.RemoveAsync(Key, _ct);
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    // No change stands behind this message, so no poll and no notification brings it: it alone does.
    [Fact]
    public async Task A_message_teaches_other_nodes_at_once()
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 2);
        var generation = cluster[1].Cache.Generation;
        var revision = new Revision(cluster[0].Node.State.Lease.Era!.Epoch, [], [TagHash.Of(Key)], [1_000_000]);
        var channel = new RedisChannel(cluster[0].Node.Redis!, "solid_cache", Secret, new FreshnessOptions(), cluster[0].Node.State, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await Eventually.TrueAsync(async () => await redis.CliAsync(_ct, "PUBSUB", "NUMSUB", $"solid_cache:{TagHash.Of("solid_cache"):x16}") is var answer && answer.EndsWith('2'), Soon);
        channel.Publish(revision);
        await Eventually.TrueAsync(() => cluster[1].Node.State.Known.VersionOf(TagHash.Of(Key)) == 1_000_000, Soon);
        Assert.NotEqual(generation, cluster[1].Cache.Generation);

        // A stranger's, one that was changed, and half of one teach nothing.
        var message = channel.Write(new Revision(revision.Epoch, [], revision.TagHashes, [2_000_000]));
        foreach (var bytes in new[] { [.. message[..^1], (byte)(message[^1] ^ 1)], message[..^16], message[..3], [] })
            channel.Receive(bytes, () => Assert.Fail("It was taken for ours."));
        Assert.Equal(1_000_000, cluster[0].Node.State.Known.VersionOf(TagHash.Of(Key)));
    }

    private async Task<int> ServedFromBeforeAsync(Mechanisms disabled)
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 2, disabled);
        var stale = 0;
        for (var i = 0; i < 10; i++)
        {
            cluster.Source = FormattableString.Invariant($"value {i}");
            await cluster.ReadAsync(0);
            await StoredAsync(redis);
            var kept = await cluster[0].Node.Redis!.GetAsync(Key, _ct);
            cluster.Source = FormattableString.Invariant($"value {i}, changed");
            await cluster[0].Cache.RemoveAsync(Key, _ct);
            // Whoever restores it: a write that was under way, a dump, a person.
            await cluster[0].Node.Redis!.SetAsync(Key, kept, TimeSpan.FromMinutes(1), _ct);
            if (await cluster.ReadAsync(1) != cluster.Source) stale++;
            await cluster[0].Cache.RemoveAsync(Key, _ct);
        }

        return stale;
    }

    private async Task<string> RestoredAfterRetentionAsync(Mechanisms disabled)
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 1, disabled, o => (o.Freshness.Retention, o.Freshness.Lease) = (TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)));
        await cluster.ReadAsync(0);
        await StoredAsync(redis);
        var dump = await cluster[0].Node.Redis!.GetAsync(Key, _ct);
        cluster.Source = "new";
        await cluster[0].Cache.RemoveAsync(Key, _ct);
        // Transactions go on, the log is pruned, and the node forgets.
        await Eventually.TrueAsync(async () =>
        {
            await cluster[0].Cache.RemoveAsync("another", _ct);
            await cluster[0].Node.Pruning.PruneAsync(_ct);
            return cluster[0].Node.State.Known.VersionOf(TagHash.Of(Key)) == 0 && !await IsLoggedAsync(cluster.Database);
        }, TimeSpan.FromSeconds(30));
        // Of a long life still: but for the horizon nothing stands against it.
        await cluster[0].Node.Redis!.SetAsync(Key, dump, TimeSpan.FromMinutes(1), _ct);
        var late = await cluster.AddAsync();
        await ConnectedAsync(cluster[late]);
        var (old, begun) = (await cluster.ReadAsync(0), await cluster.ReadAsync(late));
        Assert.Equal(old, begun);
        return begun;
    }

    private static Task<bool> IsLoggedAsync(TestDatabase database) => database.ReadAsync<bool>(
        FormattableString.Invariant($"SELECT EXISTS (SELECT FROM solid_cache.solid_cache_invalidations WHERE {TagHash.Of(Key)} = ANY (tag_hashes))"), CancellationToken.None);

    private async Task<string[]> ForgeAsync(Mechanisms disabled)
    {
        await using var redis = await RedisServer.StartAsync(_ct);
        await using var cluster = await StartAsync(redis, 2, disabled);
        var (client, one, two, three) = (cluster[0].Node.Redis!, "key:1", "key:2", "key:3");
        foreach (var (key, value) in new[] { (one, "one"), (two, "two"), (three, "three") })
        {
            await cluster[0].GetAsync(key, () => value, _ct);
            await StoredAsync(redis, key);
        }

        var (first, second, third) = (await client.GetAsync(one, _ct), await client.GetAsync(two, _ct), await client.GetAsync(three, _ct));
        third![^1] ^= 1;
        foreach (var (key, bytes) in new[] { (one, second), (two, first), (three, third) }) await client.SetAsync(key, bytes, TimeSpan.FromMinutes(1), _ct);
        var flags = HybridCacheEntryFlags.None;
        return
        [
            await cluster[1].GetAsync(one, () => "one", _ct, flags: flags), await cluster[1].GetAsync(two, () => "two", _ct, flags: flags), await cluster[1].GetAsync(three, () => "three", _ct, flags: flags),
        ];
    }

    private async Task<CacheCluster> StartAsync(RedisServer redis, int nodes, Mechanisms disabled = Mechanisms.None, Action<SolidCacheOptions>? configure = null)
    {
        var cluster = await CacheCluster.StartAsync(servers, nodes, _ct, options =>
        {
            (options.Redis.ConnectionString, options.Redis.Key) = (Resp.Clients.Patient(redis.Address), Secret);
            options.Freshness.Disabled = disabled;
            // So that what is found is found in Redis.
            options.DefaultGroup.InPostgres = false;
            options.DefaultGroup.Jitter = 0;
            configure?.Invoke(options);
        });
        foreach (var node in cluster.Nodes) await ConnectedAsync(node);
        return cluster;
    }

    private async Task ConnectedAsync(CacheTestNode node) => Assert.True(await node.Node.Redis!.WaitUntilConnectedAsync(TimeSpan.FromSeconds(20), _ct));

    private async Task StoredAsync(RedisServer redis, string key = Key) => await Eventually.TrueAsync(async () => await redis.CliAsync(_ct, "EXISTS", key) == "1", Soon);
}
