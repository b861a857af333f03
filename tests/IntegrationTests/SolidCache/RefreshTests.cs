using Microsoft.Extensions.Caching.Hybrid;
using SolidCache;
using SolidCache.Freshness;

namespace IntegrationTests.SolidCache;

/// <summary>Eager refresh, and expired values that stand in for slow loads. Time is moved by hand.</summary>
public class RefreshTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [ThreadStatic]
    private static bool _isAsking;

    private readonly ShiftedClock _clock = new();

    private CancellationToken Ct => servers.TestTimeout;

    // Give the caller the refresh's task instead of the value and the first hit hangs; let TryBeginRefresh say yes twice and there are more loads.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hit_late_in_its_life_is_answered_at_once_and_begins_one_refresh(bool bySpan)
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, g => g.EagerRefreshAt = 0.5);
        var loads = 0;
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Assert.Equal("1", await AskAsync());
        await AdvanceAsync(node, TimeSpan.FromMinutes(2));
        Assert.Equal("1", await AskAsync());
        Assert.Equal(1, Volatile.Read(ref loads));

        await AdvanceAsync(node, TimeSpan.FromMinutes(1));
        // The span overload once lost the refresh, and so did a look: they had used up the entry's only leave for one.
        Assert.True(node.Cache.TryGetFromMemory<string>("key", out _));
        Assert.True(node.Cache.TryGetFromMemory<string>("key", out _, out _));
        for (var i = 0; i < 20; i++) Assert.Equal("1", await AskAsync());
        await Eventually.TrueAsync(() => Volatile.Read(ref loads) == 2, Limit);
        Assert.Equal("1", await AskAsync());
        goOn.SetResult();
        await Eventually.TrueAsync(async () => await AskAsync() == "2", Limit);
        Assert.Equal(2, loads);

        ValueTask<string> AskAsync() => bySpan ? node.Cache.GetOrCreateAsync("key".AsSpan(), Load, null, null, Ct) : node.Cache.GetOrCreateAsync("key", Load, null, null, Ct);

        async ValueTask<string> Load(CancellationToken ct)
        {
            var load = Interlocked.Increment(ref loads);
            if (load > 1) await goOn.Task.WaitAsync(ct);
            return $"{load}";
        }
    }

    // Run the beginning of a refresh where the hit is and a loader that computes before it waits holds up whoever came by.
    [Fact]
    public async Task A_refresh_does_not_begin_on_its_callers_thread()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, g => (g.EagerRefreshAt, g.InPostgres) = (0.5, false));
        await node.GetAsync("key", () => "1", Ct);
        await AdvanceAsync(node, TimeSpan.FromMinutes(3));
        var ranInside = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _isAsking = true;
        var hit = node.GetAsync("key", () =>
        {
            ranInside.SetResult(_isAsking);
            return "2";
        }, Ct);
        _isAsking = false;
        Assert.Equal("1", await hit);
        Assert.False(await ranInside.Task.WaitAsync(Ct));
    }

    [Fact]
    public async Task A_slow_load_is_stood_in_for_by_what_has_only_grown_old()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, g => (g.SoftTimeout, g.ExpiredFor) = (TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(2)));
        Assert.Equal("old", await node.GetAsync("key", () => "old", Ct));
        await AdvanceAsync(node, TimeSpan.FromMinutes(6));
        await ExpireStoredAsync(database);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Without KeptUntil the first waits for ever.
        for (var i = 0; i < 3; i++) Assert.Equal("old", await AskAsync());
        goOn.SetResult();
        await Eventually.TrueAsync(async () => await AskAsync() == "new", Limit);

        ValueTask<string> AskAsync() => node.Cache.GetOrCreateAsync("key", async ct =>
        {
            await goOn.Task.WaitAsync(ct);
            return "new";
        }, cancellationToken: Ct);
    }

    // Leave MayServe out of TryServeKept and the invalidated value is served.
    [Fact]
    public async Task What_was_invalidated_never_stands_in()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, g => g.SoftTimeout = TimeSpan.FromMilliseconds(1));
        Assert.Equal("old", await node.GetAsync("key", () => "old", Ct, ["tag"]));
        await node.Cache.RemoveByTagAsync("tag", Ct);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = node.Cache.GetOrCreateAsync("key", async ct =>
        {
            await goOn.Task.WaitAsync(ct);
            return "new";
        }, null, ["tag"], Ct).AsTask();
        // Long enough for the limit to pass: another caller's limit, begun later, has passed as well.
        Assert.Equal("old", await node.GetAsync("other", () => "old", Ct));
        await AdvanceAsync(node, TimeSpan.FromMinutes(5.5));
        await ExpireStoredAsync(database);
        Assert.Equal("old", await node.Cache.GetOrCreateAsync("other", async ct =>
        {
            await goOn.Task.WaitAsync(ct);
            return "new";
        }, cancellationToken: Ct));
        Assert.False(asked.IsCompleted);
        goOn.SetResult();
        Assert.Equal("new", await asked);
    }

    [Fact]
    public async Task What_has_been_old_for_too_long_does_not_stand_in()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, g => (g.SoftTimeout, g.ExpiredFor) = (TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1)));
        Assert.Equal("old", await node.GetAsync("key", () => "old", Ct));
        await AdvanceAsync(node, TimeSpan.FromMinutes(6.1));
        await ExpireStoredAsync(database);
        Assert.Equal("new", await node.Cache.GetOrCreateAsync("key", async _ =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Ct);
            return "new";
        }, cancellationToken: Ct));
    }

    // A loader's own time-out is its failure, not the end of this caller's patience.
    [Fact]
    public async Task A_loader_that_times_out_fails()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, g => g.SoftTimeout = TimeSpan.FromHours(1));
        await Assert.ThrowsAsync<TimeoutException>(() => node.GetAsync<string>("key", () => throw new TimeoutException(), Ct).AsTask());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_entry_ends_with_its_life(bool inMemory)
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, g => (g.InMemory, g.InPostgres) = (inMemory, !inMemory));
        Assert.Equal("1", await AskAsync("1"));
        await AdvanceAsync(node, TimeSpan.FromMinutes(4.9));
        Assert.Equal("1", await AskAsync("2"));
        await AdvanceAsync(node, TimeSpan.FromMinutes(0.2));
        await ExpireStoredAsync(database);
        Assert.Equal("2", await AskAsync("2"));

        ValueTask<string> AskAsync(string value) => node.GetAsync("key", () => value, Ct);
    }

    // Of two lives the caller's counts before the group's; what PostgreSQL has left limits what memory takes from it.
    [Fact]
    public async Task A_promoted_entry_lives_no_longer_than_it_has_left()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, _ => { });
        await node.Cache.SetAsync("key", "1", new HybridCacheEntryOptions { Expiration = TimeSpan.FromMinutes(10), Flags = HybridCacheEntryFlags.DisableLocalCacheWrite }, null, Ct);
        await using var shift = database.DataSource.CreateCommand("UPDATE solid_cache.solid_cache_entries SET expires_at = now() + interval '2 minutes'");
        Assert.Equal(1, await shift.ExecuteNonQueryAsync(Ct));
        Assert.Equal("1", await node.GetAsync("key", () => "2", Ct));
        await ExpireStoredAsync(database);
        await AdvanceAsync(node, TimeSpan.FromMinutes(1.9));
        Assert.Equal("1", await node.GetAsync("key", () => "2", Ct));
        await AdvanceAsync(node, TimeSpan.FromMinutes(0.2));
        Assert.Equal("2", await node.GetAsync("key", () => "2", Ct));
    }

    private async Task<CacheTestNode> StartAsync(TestDatabase database, Action<CacheGroup> configure) => await CacheTestNode.StartAsync(database, Ct, o =>
    {
        o.Freshness.Disabled = Mechanisms.Pruning;
        o.DefaultGroup.Jitter = 0;
        configure(o.DefaultGroup);
    }, _clock);

    private async Task AdvanceAsync(CacheTestNode node, TimeSpan by)
    {
        _clock.Advance(by);
        await Eventually.TrueAsync(() => node.Node.State.IsLeaseHeld, Limit);
    }

    private async Task ExpireStoredAsync(TestDatabase database)
    {
        await using var shift = database.DataSource.CreateCommand("UPDATE solid_cache.solid_cache_entries SET expires_at = now() - interval '1 second'");
        await shift.ExecuteNonQueryAsync(Ct);
    }
}
