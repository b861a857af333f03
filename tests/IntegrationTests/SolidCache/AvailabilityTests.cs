using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Options;
using SolidCache;
using SolidCache.Lanes;

namespace IntegrationTests.SolidCache;

/// <summary>A host with the cache in it: registered, started without its server, stopped.</summary>
public class AvailabilityTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task One_line_makes_one_cache_that_a_host_starts_and_stops()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        using var host = HostWith(services => services.AddSolidCache(o => o.ConnectionString = database.ConnectionString));
        await host.StartAsync(Ct);
        var cache = host.Services.GetRequiredService<HybridCache>();
        Assert.Same(cache, host.Services.GetRequiredService<TieredCache>());
        Assert.NotNull(host.Services.GetRequiredService<LaneSet>());
        Assert.Equal("value", await cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("value"), cancellationToken: Ct));
        Assert.Equal("value", await cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("new"), cancellationToken: Ct));
        await host.StopAsync(Ct);
        // Who still asks is answered by the loader: a node that has stopped may not answer from memory.
        Assert.Equal("new", await cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("new"), new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableDistributedCache }, cancellationToken: Ct));
    }

    // Registered twice (a library, and the application) it is one node with the settings of both; a container disposes it once for each
    // registration, which once threw.
    [Fact]
    public async Task Registered_twice_it_is_one_cache_with_the_settings_of_both()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        var host = HostWith(services => services
            .AddSingleton<HybridCache>(_ => throw new InvalidOperationException("Somebody else's."))
            .AddSolidCache(o => (o.ConnectionString, o.Lanes) = (database.ConnectionString, 3))
            .AddSolidCache(o => o.AddGroup("mine", "mine:")));
        await host.StartAsync(Ct);
        Assert.Single(host.Services.GetServices<HybridCache>());
        Assert.Single(host.Services.GetServices<IHostedService>().OfType<CacheNode>());
        Assert.Equal(3, host.Services.GetRequiredService<LaneSet>().Count);
        Assert.Single(host.Services.GetRequiredService<IOptions<SolidCacheOptions>>().Value.Groups);
        await host.StopAsync(Ct);
        await ((IAsyncDisposable)host).DisposeAsync();
        await using var count = database.DataSource.CreateCommand("SELECT count(*) FROM solid_cache.solid_cache_nodes");
        Assert.Equal(0L, await count.ExecuteScalarAsync(Ct));
    }

    [Fact]
    public async Task A_host_with_a_wrong_option_does_not_start_and_says_which()
    {
        using var host = HostWith(services => services.AddSolidCache(o => (o.ConnectionString, o.Lanes) = ("Host=h;Password=geheim", 17)));
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Ct));
        Assert.Contains("Lanes", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", failure.ToString(), StringComparison.Ordinal);
    }

    // Let StartAsync wait for the server without end, or give up after the first failure, and this fails.
    [Fact]
    public async Task Without_its_server_the_host_starts_and_the_cache_recovers_by_itself()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await database.SetReachableAsync(false, Ct);
        using var host = HostWith(services => services.AddSolidCache(o => o.ConnectionString = database.ConnectionString));
        await host.StartAsync(Ct);
        var cache = host.Services.GetRequiredService<HybridCache>();
        for (var i = 0; i < 3; i++) Assert.Equal($"{i}", await cache.GetOrCreateAsync("key", _ => ValueTask.FromResult($"{i}"), cancellationToken: Ct));
        await database.SetReachableAsync(true, Ct);
        var loads = 0;
        await Eventually.TrueAsync(async () =>
        {
            var before = loads;
            await cache.GetOrCreateAsync("key", _ => ValueTask.FromResult($"{++loads}"), cancellationToken: Ct);
            return loads == before;
        }, Limit);
        await cache.RemoveAsync("key", Ct);
        Assert.Equal("new", await cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("new"), cancellationToken: Ct));
        await host.StopAsync(Ct);
    }

    // While the server is away memory answers until the lease ends, and not after.
    [Fact]
    public async Task A_server_that_goes_away_ends_the_answers_from_memory_and_one_that_comes_back_begins_them()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 1, Ct, o => o.Freshness.Lease = TimeSpan.FromMilliseconds(500));
        Assert.Equal("old", await cluster.ReadAsync(0));
        cluster.Source = "new";
        await cluster.Database.SetReachableAsync(false, Ct);
        // Without the lease in FreshnessState.MayServe "old" stays for ever.
        await Eventually.TrueAsync(async () => await cluster.ReadAsync(0) == "new", Limit);
        await cluster.Database.SetReachableAsync(true, Ct);
        await Eventually.TrueAsync(() => cluster[0].Node.State.IsLeaseHeld, Limit);
        // Nothing was bumped: what was there is still right by the rules, and is served or loaded; a change is seen at once.
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await cluster[0].Cache.RemoveAsync(CacheCluster.Key, Ct);
                return true;
            }
            catch (Npgsql.NpgsqlException)
            {
                return false;   // a lane that has not noticed yet
            }
        }, Limit);
        Assert.Equal("new", await cluster.ReadAsync(0));
    }

    private static IHost HostWith(Action<IServiceCollection> configure)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        configure(builder.Services);
        return builder.Build();
    }
}
