using Microsoft.Extensions.Caching.Hybrid;
using SolidCache.Loading;

namespace IntegrationTests.SolidCache;

/// <summary>One load for all who ask at the same time, and what each of them may take of it.</summary>
public class LoadTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    public static TheoryData<string> All => CacheTiers.All;

    // Without LoadGate this is two hundred loads.
    [Theory]
    [MemberData(nameof(All))]
    public async Task Two_hundred_callers_are_one_load(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        var loader = new HeldLoader();
        var first = loader.GetAsync(node, Ct);
        await loader.HasBegun(1);
        var others = Enumerable.Range(0, 199).Select(_ => loader.GetAsync(node, Ct)).ToArray();
        loader.HoldNext();
        loader.GoOn();
        Assert.Equal("1", await first);
        // The next load is not done before all have come to it, however slowly.
        if (tiers == CacheTiers.NoServer) await Eventually.TrueAsync(() => node.Cache.Waiting == 199, TimeSpan.FromSeconds(20));
        loader.GoOnWithNext();
        var values = await Task.WhenAll(others);
        // Without a server nobody can vouch for a load that began before the question, so those who joined share one more.
        Assert.Equal(tiers == CacheTiers.NoServer ? 2 : 1, loader.Count);
        Assert.All(values, value => Assert.Equal($"{loader.Count}", value));
    }

    // Hand the caller's own token to the loader and this fails.
    [Fact]
    public async Task Whoever_leaves_does_the_others_no_harm()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        using var impatient = new CancellationTokenSource();
        var loader = new HeldLoader();
        var first = loader.GetAsync(node, impatient.Token);
        await loader.HasBegun(1);
        var second = loader.GetAsync(node, Ct);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(loader.Token.IsCancellationRequested);
        loader.GoOn();
        Assert.Equal("1", await second);
        Assert.Equal(1, loader.Count);
    }

    // Forget Leave() in one of the two ways to wait and a loader goes on for nobody.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_all_have_left_the_loader_is_told_and_the_next_caller_begins_anew(bool hasSoftTimeout)
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct, o => o.DefaultGroup.SoftTimeout = hasSoftTimeout ? TimeSpan.FromHours(1) : null);
        using var impatient = new CancellationTokenSource();
        var loader = new HeldLoader();
        var asked = Enumerable.Range(0, 3).Select(_ => loader.GetAsync(node, impatient.Token)).ToArray();
        await loader.HasBegun(1);
        await impatient.CancelAsync();
        foreach (var caller in asked) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => caller);
        Assert.True(loader.Token.IsCancellationRequested);
        loader.GoOn();
        Assert.Equal("2", await loader.GetAsync(node, Ct));
    }

    [Fact]
    public async Task Whoever_has_left_before_asking_begins_nothing()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        var loader = new HeldLoader();
        loader.GoOn();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loader.GetAsync(node, new CancellationToken(canceled: true)));
        Assert.Equal(0, loader.Count);
    }

    [Fact]
    public async Task An_exception_reaches_all_and_is_not_kept()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        var loader = new HeldLoader { Failure = new InvalidDataException("no data") };
        var first = loader.GetAsync(node, Ct);
        await loader.HasBegun(1);
        var second = loader.GetAsync(node, Ct);
        loader.GoOn();
        Assert.Same(loader.Failure, await Assert.ThrowsAsync<InvalidDataException>(() => first));
        Assert.Same(loader.Failure, await Assert.ThrowsAsync<InvalidDataException>(() => second));
        loader.Failure = null;
        Assert.Equal("2", await loader.GetAsync(node, Ct));
    }

    // As an HttpClient does that has waited for too long. Make a cancellation of it and the reason is gone.
    [Fact]
    public async Task A_loader_that_gives_up_by_itself_says_why()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        var loader = new HeldLoader { Failure = new TaskCanceledException("gave up", new TimeoutException()) };
        loader.GoOn();
        var failure = await Assert.ThrowsAsync<TaskCanceledException>(() => loader.GetAsync(node, Ct));
        Assert.IsType<TimeoutException>(failure.InnerException);
    }

    // Rule 4, first order: who joined before the change may have what the load brings; who joins after it may not.
    [Theory]
    [MemberData(nameof(All))]
    public async Task Who_joins_after_an_invalidation_does_not_take_the_load_from_before_it(string tiers)
    {
        if (tiers == CacheTiers.NoServer) return;   // it can't invalidate
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        var loader = new HeldLoader();
        var before = loader.GetAsync(node, Ct);
        await loader.HasBegun(1);
        await node.Cache.RemoveByTagAsync("tag", Ct);
        var after = Enumerable.Range(0, 50).Select(_ => loader.GetAsync(node, Ct)).ToArray();
        loader.GoOn();
        Assert.Equal("1", await before);
        // Return the joined result without IsServable and this is "1".
        Assert.All(await Task.WhenAll(after), value => Assert.Equal("2", value));
        Assert.Equal(2, loader.Count);
    }

    // A tag that is bumped during every load: each caller makes one newer load at most, and nobody waits for ever.
    [Fact]
    public async Task A_hot_tag_never_loops()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        var loads = 0;
        var callers = Enumerable.Range(0, 100).Select(_ => node.Cache.GetOrCreateAsync("key", async ct =>
        {
            var load = Interlocked.Increment(ref loads);
            // Until all have come to it, however slowly: to the first a hundred, to the second those who did not begin the first.
            if (load <= 2) await Eventually.TrueAsync(() => node.Cache.Waiting == 101 - load, TimeSpan.FromSeconds(20));
            await node.Cache.RemoveByTagAsync("tag", ct);
            return $"{load}";
        }, null, ["tag"], Ct).AsTask()).ToArray();
        await Task.WhenAll(callers);
        // All asked while the first was under way, and share the second. Without isNewer in TieredCache.LoadAsync this is a hundred.
        Assert.InRange(loads, 1, 2);
        // And nothing that was bumped meanwhile is kept.
        Assert.Equal("new", await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("new"), null, ["tag"], Ct));
    }

    [Fact]
    public async Task A_load_that_outlives_the_margin_is_returned_and_not_kept()
    {
        var clock = new ShiftedClock();
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await CacheTestNode.StartAsync(database, Ct, o => o.Freshness.Disabled = global::SolidCache.Freshness.Mechanisms.Pruning, clock);
        // Without the look at the margin in EntryLoader.MarkAsync this is kept.
        foreach (var (load, isKept) in new[] { (TimeSpan.FromMinutes(3), false), (TimeSpan.FromMinutes(1), true) })
        {
            Assert.Equal("slow", await node.GetAsync($"key {isKept}", () =>
            {
                clock.Advance(load);
                return "slow";
            }, Ct));
            await Eventually.TrueAsync(() => node.Node.State.IsLeaseHeld, TimeSpan.FromSeconds(20));
            Assert.Equal(isKept ? "slow" : "new", await node.GetAsync($"key {isKept}", () => "new", Ct));
        }
    }

    [Fact]
    public async Task The_loader_decides_whether_and_how_long_its_value_is_kept()
    {
        var clock = new ShiftedClock();
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await CacheTestNode.StartAsync(database, Ct, o =>
        {
            o.Freshness.Disabled = global::SolidCache.Freshness.Mechanisms.Pruning;
            (o.DefaultGroup.Jitter, o.DefaultGroup.InPostgres) = (0, false);
        }, clock);
        await LoadAsync("never", c => c.DoNotStore = true);
        await LoadAsync("no life", c => c.Expiration = TimeSpan.Zero);
        await LoadAsync("past", c => c.Expiration = TimeSpan.FromSeconds(-1));
        await LoadAsync("no life here", c => c.LocalExpiration = TimeSpan.Zero);
        await LoadAsync("short", c => c.Expiration = TimeSpan.FromMinutes(1));
        await LoadAsync("short here", c => c.LocalExpiration = TimeSpan.FromMinutes(1));
        await LoadAsync("long", c => c.Expiration = TimeSpan.FromMinutes(15));
        await LoadAsync("for ever", c => c.Expiration = TimeSpan.MaxValue);
        await LoadAsync("as usual", _ => { });
        Assert.Equal(["as usual", "for ever", "long", "short", "short here"], await KeptAsync());
        await AdvanceAsync(TimeSpan.FromSeconds(61));
        Assert.Equal(["as usual", "for ever", "long"], await KeptAsync());
        await AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(["for ever", "long"], await KeptAsync());
        await AdvanceAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(["for ever"], await KeptAsync());
        // However long it was to live: nothing in memory is older than the retention less its margin. Without ServedUntil this stays.
        await AdvanceAsync(TimeSpan.FromMinutes(3));
        Assert.Equal([], await KeptAsync());

        async Task LoadAsync(string key, Action<LoadContext> decide) => Assert.Equal(key, await node.Cache.GetOrLoadAsync(key, decide, static (d, context, _) =>
        {
            d(context);
            return ValueTask.FromResult("loaded");
        }, token: Ct) == "loaded" ? key : "");

        async Task<List<string>> KeptAsync()
        {
            var kept = new List<string>();
            foreach (var key in new[] { "as usual", "for ever", "long", "never", "no life", "no life here", "past", "short", "short here" })
                if (await node.GetAsync<string?>(key, () => null, Ct, flags: HybridCacheEntryFlags.DisableUnderlyingData) is not null) kept.Add(key);
            return kept;
        }

        async Task AdvanceAsync(TimeSpan by)
        {
            clock.Advance(by);
            await Eventually.TrueAsync(() => node.Node.State.IsLeaseHeld, TimeSpan.FromSeconds(20));
        }
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(60, true)]
    [InlineData(0, false)]
    public async Task Nothing_found_has_a_life_of_its_own(int? seconds, bool isKept)
    {
        await using var node = await CacheTiers.StartAsync(
            servers, CacheTiers.Both, Ct, o => o.DefaultGroup.NegativeExpiration = seconds is { } s ? TimeSpan.FromSeconds(s) : null);
        Assert.Null(await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult<string?>(null), cancellationToken: Ct));
        Assert.Equal(isKept ? null : "new", await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult<string?>("new"), cancellationToken: Ct));
        if (!isKept) return;
        await node.Cache.RemoveAsync("key", Ct);
        Assert.Equal("new", await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult<string?>("new"), cancellationToken: Ct));
    }

    /// <summary>A loader of "1", "2", … that waits until it may go on.</summary>
    private sealed class HeldLoader
    {
        private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile TaskCompletionSource? _next;
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public Exception? Failure { get; set; }

        public CancellationToken Token { get; private set; }

        public void GoOn() => _goOn.SetResult();

        /// <summary>Loads after the first stop as well.</summary>
        public void HoldNext() => _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void GoOnWithNext() => _next!.SetResult();

        public Task HasBegun(int loads) => Eventually.TrueAsync(() => Count >= loads, TimeSpan.FromSeconds(20));

        public Task<string> GetAsync(CacheTiers node, CancellationToken ct) => node.Cache.GetOrCreateAsync("key", async token =>
        {
            Token = token;
            var count = Interlocked.Increment(ref _count);
            await _goOn.Task;
            if (count > 1 && _next is { } next) await next.Task;
            return Failure is null ? $"{count}" : throw Failure;
        }, null, ["tag"], ct).AsTask();
    }
}
