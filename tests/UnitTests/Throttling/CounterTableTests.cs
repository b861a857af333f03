using System.Runtime.CompilerServices;
using AuthService.Throttling;

namespace UnitTests.Throttling;

/// <summary>What a flood of addresses does to a node that counts by itself.</summary>
public class CounterTableTests
{
    private static readonly LookRule Rule = new(Free: 5, StopAfter: 100, TimeSpan.FromMinutes(15), TimeSpan.FromDays(1));

    // A million addresses, at three sizes: no byte more than at the start. Put the entries into a dictionary and this fails.
    [Theory]
    [InlineData(1_024)]
    [InlineData(16_384)]
    [InlineData(262_144)]
    public void A_million_addresses_take_no_more_memory_than_the_first(int capacity)
    {
        var clock = new ManualClock();
        var counters = new LocalCounters(new ThrottlingOptions { LocalCounters = capacity }, clock);
        Flood(counters, 0, 1_000);   // all code has run
        var before = GC.GetAllocatedBytesForCurrentThread();
        Flood(counters, 1_000, 1_000_000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        Assert.True(Unsafe.SizeOf<CounterEntry>() <= 80, $"{Unsafe.SizeOf<CounterEntry>()} bytes an entry; the setting's description says 80");
        Assert.Equal(capacity, new CounterTable(capacity).Capacity);
    }

    // An account that waits is not forgotten for strangers that failed once. Displace the oldest instead of the least and this fails.
    [Fact]
    public void A_counter_is_not_displaced_by_those_that_have_counted_less()
    {
        var clock = new ManualClock();
        var counters = new LocalCounters(new ThrottlingOptions { LocalCounters = 1_024 }, clock);
        var victim = new CounterKey(CounterKind.Account, 7);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(Verdict.May, counters.BeginLook(victim, Rule).Verdict);
            counters.EndLook(victim, Rule, LookEnd.Failed);
        }

        clock.Advance(TimeSpan.FromMilliseconds(1));
        Flood(counters, 1_000, 200_000);
        Assert.Equal(Verdict.Refused, counters.BeginLook(victim, Rule).Verdict);
    }

    // The other side of it: full of others that count as much, a place is given up, and what it knew with it. docs/throttling.md says what that costs.
    [Fact]
    public void What_is_expired_goes_first()
    {
        var clock = new ManualClock();
        var counters = new LocalCounters(new ThrottlingOptions { LocalCounters = 1_024 }, clock);
        for (var i = 0; i < 6; i++) Flood(counters, 0, 10_000);   // full, some with high counts
        clock.Advance(TimeSpan.FromDays(1));
        var key = new CounterKey(CounterKind.Account, 7);
        Assert.Equal(1, counters.BeginLook(key, Rule).Failures);
        Flood(counters, 20_000, 20_100);
        Assert.Equal(2, counters.BeginLook(key, Rule).Failures);
    }

    private static void Flood(LocalCounters counters, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            var key = new CounterKey(CounterKind.Account, ((UInt128)i << 64) + 1_000_003);
            if (counters.BeginLook(key, Rule).Verdict == Verdict.May) counters.EndLook(key, Rule, LookEnd.Failed);
        }
    }
}
