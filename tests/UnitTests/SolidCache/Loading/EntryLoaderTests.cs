using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Logging.Abstractions;
using SolidCache;
using SolidCache.Loading;

namespace UnitTests.SolidCache.Loading;

/// <summary>How long entries live: the loader's word, the caller's, the group's, in this order.</summary>
public class EntryLoaderTests
{
    private readonly SolidCacheOptions _options = new();

    public EntryLoaderTests() => _options.DefaultGroup.Jitter = 0;

    [Fact]
    public void The_loader_comes_before_the_caller_and_the_caller_before_the_group()
    {
        var group = _options.DefaultGroup;
        (group.Expiration, group.LocalExpiration, group.NegativeExpiration) = (Minutes(9), Minutes(6), Minutes(2));
        Assert.Equal((Minutes(9), Minutes(6)), LivesOf(null, null, false));
        Assert.Equal((Minutes(7), Minutes(5)), LivesOf(new HybridCacheEntryOptions { Expiration = Minutes(7), LocalCacheExpiration = Minutes(5) }, null, false));
        var decided = new LoadContext { Expiration = Minutes(4), LocalExpiration = Minutes(3) };
        Assert.Equal((Minutes(4), Minutes(3)), LivesOf(new HybridCacheEntryOptions { Expiration = Minutes(7), LocalCacheExpiration = Minutes(5) }, decided, false));
        Assert.Equal((Minutes(2), Minutes(2)), LivesOf(new HybridCacheEntryOptions { Expiration = Minutes(7) }, null, true));
        Assert.Equal((Minutes(4), Minutes(3)), LivesOf(null, decided, true));
    }

    [Fact]
    public void Memory_never_outlives_the_entry_and_no_entry_the_longest_life()
    {
        Assert.Equal((Minutes(1), Minutes(1)), LivesOf(new HybridCacheEntryOptions { Expiration = Minutes(1), LocalCacheExpiration = Minutes(5) }, null, false));
        Assert.Equal((_options.MaxEntryLife, _options.MaxEntryLife), LivesOf(new HybridCacheEntryOptions { Expiration = TimeSpan.MaxValue, LocalCacheExpiration = TimeSpan.MaxValue }, null, false));
    }

    // Lengthen instead of shorten, or draw once and for all, and this fails.
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    public void Lives_are_shortened_by_no_more_than_the_jitter(double jitter)
    {
        _options.DefaultGroup.Jitter = jitter;
        var lives = Enumerable.Range(0, 500).Select(_ => LivesOf(null, null, false).Entry).ToList();
        Assert.All(lives, life => Assert.InRange(life, Minutes(5) * (1 - jitter), Minutes(5)));
        Assert.True(lives.Distinct().Count() > 100);
        Assert.True(lives.Max() - lives.Min() > Minutes(5) * jitter / 2);
    }

    private (TimeSpan Entry, TimeSpan Local) LivesOf(HybridCacheEntryOptions? options, LoadContext? context, bool isNothing)
    {
        var loader = new EntryLoader(null!, null, null!, null!, null!, null!, _options, TimeProvider.System, NullLogger.Instance);
        var lives = loader.LivesOf(new EntryRequest("key", _options.DefaultGroup, options, null), context, isNothing);
        return (lives.Entry, lives.Local);
    }

    private static TimeSpan Minutes(double minutes) => TimeSpan.FromMinutes(minutes);
}
