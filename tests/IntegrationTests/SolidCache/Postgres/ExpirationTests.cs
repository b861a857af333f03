using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Caching.Distributed;
using SolidCache;

namespace IntegrationTests.SolidCache.Postgres;

/// <summary>How long entries live. Time passes by making the rows older.</summary>
public class ExpirationTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan LongestLife = TimeSpan.FromHours(2);

    private readonly CancellationToken _ct = servers.TestTimeout;

    // Use the window instead of 1.1 of it (slide.sql and write.sql), forget absolute_expires_at in the slide, slide what has expired, or
    // forget the longest life: each fails.
    [Fact]
    public async Task An_entry_lives_as_long_as_it_was_promised_and_no_longer()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxEntryLife = LongestLife);
        var cases = 0;
        Prop.ForAll(Lives(), life => FollowsAsync(stage, life, ++cases).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(80));
    }

    // Make the window of slides zero (expires_at < now() + 1.1 × window) and there are 300 of them.
    [Fact]
    public async Task Reads_write_nothing_but_one_slide_in_a_tenth_of_the_window()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await stage.RunAsync(
            """
            CREATE TABLE slides (n int);
            CREATE FUNCTION count_slide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO slides VALUES (1); RETURN NULL; END $$;
            CREATE TRIGGER slide AFTER UPDATE ON solid_cache.solid_cache_entries FOR EACH ROW WHEN (NEW.expires_at > OLD.expires_at) EXECUTE FUNCTION count_slide()
            """, _ct);
        await stage.Cache.SetAsync("slides", [1], new() { SlidingExpiration = TimeSpan.FromSeconds(1_000) }, _ct);
        await stage.Cache.SetAsync("stays", [1], new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromDays(1) }, _ct);
        for (var i = 0; i < 100; i++)
        {
            await stage.PassAsync(TimeSpan.FromSeconds(20), _ct);   // a fiftieth of the window: two windows in all
            var before = await RowsAsync(stage, "stays");
            for (var read = 0; read < 3; read++)
            {
                Assert.NotNull(await stage.Cache.GetAsync("slides", _ct));
                Assert.NotNull(await stage.Cache.GetAsync("stays", _ct));
            }

            await stage.SettleAsync(_ct);
            Assert.Equal(before, await RowsAsync(stage, "stays"));
        }

        Assert.InRange(await stage.ReadAsync<long>("SELECT count(*) FROM slides", _ct), 15, 20);
    }

    // Without the bound nobody needs to know who was read, so nothing is written; with it a first read leaves one mark.
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task A_read_marks_an_entry_once_and_only_where_the_size_is_bounded(bool isBounded, short touched)
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxBytes = isBounded ? 1 << 20 : null);
        await stage.Cache.SetAsync("a", [1], new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromDays(1) }, _ct);
        await stage.Cache.GetAsync("a", _ct);
        await stage.SettleAsync(_ct);
        Assert.Equal(touched, await stage.ReadAsync<short>("SELECT touched FROM solid_cache.solid_cache_entries", _ct));
        var before = await RowsAsync(stage, "a");
        for (var i = 0; i < 10; i++) await stage.Cache.GetAsync("a", _ct);
        await stage.SettleAsync(_ct);
        Assert.Equal(before, await RowsAsync(stage, "a"));
    }

    [Fact]
    public async Task Without_an_expiration_an_entry_slides_by_the_default()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.DefaultSlidingExpiration = TimeSpan.FromSeconds(500));
        await stage.Cache.SetAsync("a", [1], new(), _ct);
        Assert.Equal(500.0, await stage.ReadAsync<double>("SELECT sliding_seconds FROM solid_cache.solid_cache_entries", _ct));
        await stage.PassAsync(TimeSpan.FromSeconds(499), _ct);
        Assert.NotNull(await stage.Cache.GetAsync("a", _ct));
        await stage.SettleAsync(_ct);
        await stage.PassAsync(TimeSpan.FromSeconds(499), _ct);
        Assert.NotNull(await stage.Cache.GetAsync("a", _ct));
        await stage.SettleAsync(_ct);
        await stage.PassAsync(TimeSpan.FromSeconds(551), _ct);
        Assert.Null(await stage.Cache.GetAsync("a", _ct));
    }

    [Fact]
    public async Task The_longest_expirations_there_are_mean_the_longest_life()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxEntryLife = LongestLife);
        await stage.Cache.SetAsync("a", [1], new() { AbsoluteExpiration = DateTimeOffset.MaxValue }, _ct);
        await stage.Cache.SetAsync("b", [1], new() { AbsoluteExpirationRelativeToNow = TimeSpan.MaxValue }, _ct);
        await stage.Cache.SetAsync("c", [1], new() { SlidingExpiration = TimeSpan.MaxValue }, _ct);
        Assert.All(await stage.Cache.GetManyAsync(["a", "b", "c"], _ct), Assert.NotNull);
        await stage.PassAsync(LongestLife, _ct);
        Assert.All(await stage.Cache.GetManyAsync(["a", "b", "c"], _ct), Assert.Null);
    }

    private async Task<bool> FollowsAsync(CacheStage stage, Life life, int number)
    {
        var key = $"case {number}";
        var end = Math.Min(Math.Min(life.Absolute ?? int.MaxValue, life.Relative ?? int.MaxValue), (int)LongestLife.TotalSeconds);
        var window = life.Sliding ?? (life is { Absolute: null, Relative: null } ? (int)new SolidCacheOptions().DefaultSlidingExpiration.TotalSeconds : (int?)null);
        await stage.Cache.SetAsync(key, [1], new DistributedCacheEntryOptions
        {
            AbsoluteExpiration = life.Absolute is { } absolute ? TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(absolute) : null,
            AbsoluteExpirationRelativeToNow = life.Relative is { } relative ? TimeSpan.FromSeconds(relative) : null,
            SlidingExpiration = life.Sliding is { } sliding ? TimeSpan.FromSeconds(sliding) : null,
        }, _ct);

        int now = 0, lastUse = 0;
        foreach (var (pause, refreshes) in life.Uses)
        {
            await stage.PassAsync(TimeSpan.FromSeconds(pause), _ct);
            now += pause;
            if (refreshes)
            {
                await stage.Cache.RefreshAsync(key, _ct);
                if (now < end && (window is null || now - lastUse < window)) lastUse = now;
                else if (now - lastUse <= window * 1.1) return true;   // it may have been alive or not: nothing more is promised
                continue;
            }

            var isThere = await stage.Cache.GetAsync(key, _ct) is not null;
            await stage.SettleAsync(_ct);
            if (now >= end || now - lastUse > window * 1.1) return !isThere;
            if ((window is null || now - lastUse < window) && !isThere) return false;
            if (!isThere) return true;
            lastUse = now;
        }

        return true;
    }

    private static Arbitrary<Life> Lives()
    {
        var seconds = Gen.Choose(2, 900).Select(s => s * 10);
        var maybe = Gen.Frequency((1, Gen.Constant((int?)null)), (1, seconds.Select(s => (int?)s)));
        var pauses = Gen.Frequency((3, Gen.Choose(1, 40)), (3, Gen.Choose(1, 500)), (1, Gen.Choose(1, 8_000)));
        var uses = pauses.SelectMany(pause => Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true))).Select(refreshes => (pause, refreshes)));
        return (from absolute in maybe
                from relative in maybe
                from sliding in maybe
                from list in uses.ListOf(10)
                select new Life(absolute, relative, sliding, [.. list])).ToArbitrary();
    }

    private Task<string> RowsAsync(CacheStage stage, string key) =>
        stage.ReadAsync<string>($"SELECT string_agg(ctid || ' ' || xmin || ' ' || xmax, ',') FROM solid_cache.solid_cache_entries WHERE key_hash = {CacheKey.Distributed(key).Hash}", _ct);

    /// <summary>In seconds. A use is a pause and then a read or a refresh.</summary>
    private sealed record Life(int? Absolute, int? Relative, int? Sliding, (int Pause, bool Refreshes)[] Uses)
    {
        public override string ToString() => $"absolute {Absolute}, relative {Relative}, sliding {Sliding}: {string.Join(' ', Uses.Select(u => $"{u.Pause}{(u.Refreshes ? "r" : "")}"))}";
    }
}
