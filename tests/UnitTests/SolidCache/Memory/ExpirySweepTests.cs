using SolidCache.Freshness;
using SolidCache.Memory;

namespace UnitTests.SolidCache.Memory;

public class ExpirySweepTests
{
    // Take ExpiresAt for KeptUntil and the one that may still stand in is gone; leave the comparison out and nothing stays; the sweep, and all do.
    [Fact]
    public void What_nobody_can_be_given_any_more_goes()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(1_000_000);
        Put("ends", 10, 10);
        Put("is kept", 10, 20);
        Put("lives", 20, 20);
        var sweep = new ExpirySweep(store, clock);
        sweep.Sweep();
        Assert.Equal(3, store.Count);
        clock.Advance(TimeSpan.FromSeconds(10));
        sweep.Sweep();
        Assert.Equal(["is kept", "lives"], store.Snapshot().Select(e => e.Key).Order(StringComparer.Ordinal));
        clock.Advance(TimeSpan.FromSeconds(10));
        sweep.Sweep();
        Assert.Equal((0, 0L), (store.Count, store.Bytes));

        void Put(string key, int expiresAfter, int keptFor)
        {
            var now = clock.GetTimestamp();
            store.Set(new CachedEntry(key, 10, new FreshnessMark(null, [], [], long.MaxValue), "", null, 0, now, At(expiresAfter), At(keptFor), long.MaxValue));

            long At(int seconds) => now + (seconds * clock.TimestampFrequency);
        }
    }
}
