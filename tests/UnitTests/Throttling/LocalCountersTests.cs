using AuthService.Throttling;

namespace UnitTests.Throttling;

public class LocalCountersTests
{
    private static readonly LookRule Rule = new(Free: 5, StopAfter: 100, TimeSpan.FromMinutes(15), TimeSpan.FromDays(1));

    private readonly ManualClock _clock = new();
    private readonly LocalCounters _counters;

    public LocalCountersTests() => _counters = new LocalCounters(new ThrottlingOptions { LocalCounters = 1024 }, _clock);

    // Begin the waits one failure later or earlier, or double by another factor, and this fails.
    [Fact]
    public void Five_failures_are_free_then_each_doubles_the_wait_up_to_the_longest()
    {
        for (var i = 1; i <= 4; i++) Assert.Equal(TimeSpan.Zero, WaitAfterFailure(i));
        var expected = 1.0;
        for (var i = 5; i < 100; i++)
        {
            Assert.Equal(TimeSpan.FromSeconds(Math.Min(expected, 900)), WaitAfterFailure(i));
            expected *= 2;
        }

        // The hundredth is the last: no wait ends that, but forgetting does.
        Assert.True(Look() is { Verdict: Verdict.May, Failures: 100, IsLast: true });
        End(LookEnd.Failed);
        _clock.Advance(TimeSpan.FromHours(23));
        Assert.Equal(Verdict.Refused, Look().Verdict);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal((Verdict.May, 1), (Look().Verdict, 1));
    }

    [Fact]
    public void A_success_begins_anew_and_what_was_no_look_is_taken_back()
    {
        for (var i = 0; i < 4; i++) Fail();
        Look();
        End(LookEnd.NotLooked);
        Assert.Equal(5, Look().Failures);
        End(LookEnd.Succeeded);
        Assert.Equal(1, Look().Failures);
    }

    // Two secrets at once, one of them right: the other goes on counting. Set the counter to 0 and this fails.
    [Fact]
    public void A_success_forgives_none_that_is_under_way()
    {
        for (var i = 0; i < 3; i++) Fail();
        Look();
        Look();
        End(LookEnd.Succeeded);
        End(LookEnd.Failed);
        Assert.Equal(2, Look().Failures);
    }

    // All free looks are under way and none has failed: nobody is refused for what others have not done. Without Looking this is a refusal.
    [Fact]
    public void More_than_are_free_at_once_wait_for_one_that_ends()
    {
        for (var i = 0; i < 5; i++) Assert.Equal(Verdict.May, Look().Verdict);
        Assert.Equal(Verdict.Busy, Look().Verdict);
        End(LookEnd.Succeeded);
        Assert.Equal(Verdict.May, Look().Verdict);
        for (var i = 0; i < 5; i++) End(LookEnd.Failed);
        Assert.Equal(Verdict.Refused, Look().Verdict);
    }

    // On a machine with too much to do a look takes longer than the first wait: those who come meanwhile are not refused for it. Take them for failed when the
    // wait is over, and they are. A node that died with looks under way is forgiven nothing.
    [Fact]
    public void A_look_under_way_is_no_failure_for_a_minute()
    {
        for (var i = 0; i < 5; i++) Look();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Verdict.May, Look().Verdict);
        Assert.Equal(Verdict.Busy, Look().Verdict);
        _clock.Advance(LookRule.LongestLook + TimeSpan.FromMilliseconds(1));
        Assert.Equal((Verdict.May, 7), (Look() is var look ? look.Verdict : default, look.Failures));
        Assert.Equal(Verdict.Refused, Look().Verdict);
    }

    // Count at the end of a look instead of at its beginning, and all of them see it.
    [Fact]
    public async Task Any_number_at_once_get_no_more_looks_than_one_after_the_other()
    {
        using var start = new Barrier(32);
        var looks = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Factory.StartNew(() =>
        {
            Assert.True(start.SignalAndWait(TimeSpan.FromSeconds(30)));
            var look = Look();
            if (look.Verdict == Verdict.May) End(LookEnd.Failed);
            return look.Verdict;
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal(5, looks.Count(v => v == Verdict.May));
    }

    [Fact]
    public void A_window_takes_its_limit_tells_of_one_surplus_and_begins_anew_when_it_ends()
    {
        var (key, rule) = (new CounterKey(CounterKind.LogIns, 1), new WindowRule(3, TimeSpan.FromMinutes(1)));
        for (var i = 1; i <= 3; i++) Assert.Equal((false, i), (_counters.Count(key, rule) is var t && t.IsOver, t.Count));
        _clock.Advance(TimeSpan.FromSeconds(59));
        var over = _counters.Count(key, rule);
        Assert.Equal((true, 3, TimeSpan.FromSeconds(1), true), (over.IsOver, over.Count, over.EndsIn, over.IsFirstOver));
        Assert.False(_counters.Count(key, rule).IsFirstOver);
        _counters.Uncount(key);
        Assert.False(_counters.Count(key, rule).IsOver);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((false, 1), (_counters.Count(key, rule) is var anew && anew.IsOver, anew.Count));
        Assert.False(_counters.Count(new CounterKey(CounterKind.LogIns, 2), rule).IsOver);
    }

    // Those who ask first are never counted beyond the limit: one of them is told about all the same.
    [Fact]
    public void A_look_at_a_full_window_tells_of_one_surplus_too()
    {
        var (key, rule) = (new CounterKey(CounterKind.LogIns, 1), new WindowRule(1, TimeSpan.FromMinutes(1)));
        Assert.False(_counters.Peek(key, rule).IsOver);
        _counters.Count(key, rule);
        Assert.Equal([true, false, false], Enumerable.Range(0, 3).Select(_ => _counters.Peek(key, rule).IsFirstOver));
    }

    [Fact]
    public void A_share_is_at_least_one()
    {
        Assert.Equal((2, 33), (Rule.Among(2).Free, Rule.Among(3).StopAfter));
        Assert.Equal((1, 1), (Rule.Among(1000).Free, Rule.Among(1000).StopAfter));
        Assert.Equal(1, new WindowRule(3, TimeSpan.FromMinutes(1)).Among(10).Limit);
    }

    private Look Look() => _counters.BeginLook(Key, Rule);

    private void End(LookEnd end) => _counters.EndLook(Key, Rule, end);

    private void Fail()
    {
        Assert.Equal(Verdict.May, Look().Verdict);
        End(LookEnd.Failed);
    }

    /// <summary>How long looks are refused after the next failure, which must be the one of this number.</summary>
    private TimeSpan WaitAfterFailure(int number)
    {
        Assert.Equal((Verdict.May, number), (Look() is var look ? look.Verdict : default, look.Failures));
        End(LookEnd.Failed);
        var wait = Rule.DelayAfter(number);
        if (wait == TimeSpan.Zero) return wait;
        _clock.Advance(wait - TimeSpan.FromMilliseconds(1));
        Assert.Equal(Verdict.Refused, Look().Verdict);   // and refusing counts nothing
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        return wait;
    }

    private static CounterKey Key => new(CounterKind.Account, 42);
}
