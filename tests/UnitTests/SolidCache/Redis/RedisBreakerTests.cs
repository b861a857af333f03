using SolidCache.Redis;

namespace UnitTests.SolidCache.Redis;

public class RedisBreakerTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void It_opens_after_some_failures_in_a_row_and_no_sooner()
    {
        var breaker = new RedisBreaker(_clock);
        for (var i = 0; i < RedisBreaker.FailuresToOpen - 1; i++) Assert.False(breaker.Failed());
        breaker.Succeeded();
        for (var i = 0; i < RedisBreaker.FailuresToOpen - 1; i++) Assert.False(breaker.Failed());
        Assert.True(breaker.MayTry());
        Assert.True(breaker.Failed());
        Assert.False(breaker.MayTry());
        Assert.Equal(BreakerState.Open, breaker.State);
    }

    // Let everybody through when the pause is over, and each waits a command's time again.
    [Fact]
    public void After_its_pause_one_tries()
    {
        var breaker = Open();
        _clock.Advance(TimeSpan.FromMilliseconds(251));
        Assert.Equal(1, Enumerable.Range(0, 100).Count(_ => breaker.MayTry()));
        Assert.True(breaker.Succeeded());
        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(breaker.MayTry()));
    }

    [Fact]
    public void Its_pauses_grow_to_four_seconds()
    {
        var breaker = Open();
        foreach (var pause in new[] { 250, 500, 1000, 2000, 4000, 4000 })
        {
            _clock.Advance(TimeSpan.FromMilliseconds(pause - 1));
            Assert.False(breaker.MayTry());
            _clock.Advance(TimeSpan.FromMilliseconds(2));
            Assert.True(breaker.MayTry());
            breaker.Failed();
        }
    }

    // The one who tries may be cancelled: without another turn Redis would never be asked again.
    [Fact]
    public void A_try_that_never_ends_is_followed_by_another()
    {
        var breaker = Open();
        _clock.Advance(TimeSpan.FromMilliseconds(251));
        Assert.True(breaker.MayTry());
        _clock.Advance(TimeSpan.FromMilliseconds(251));
        Assert.True(breaker.MayTry());
    }

    private RedisBreaker Open()
    {
        var breaker = new RedisBreaker(_clock);
        for (var i = 0; i < RedisBreaker.FailuresToOpen; i++) breaker.Failed();
        return breaker;
    }
}
