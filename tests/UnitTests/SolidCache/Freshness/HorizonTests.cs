using FsCheck;
using FsCheck.Fluent;
using SolidCache.Freshness;

namespace UnitTests.SolidCache.Freshness;

/// <summary>
/// The claim: whatever a node has forgotten, no entry is covered that could lack it. Played through: transactions commit, a node polls and forgets as
/// the real one does, loads begin at any moment of the past.
/// </summary>
public class HorizonTests
{
    private static readonly TimeSpan Retention = TimeSpan.FromSeconds(64);

    // Take the newest place there is instead of the newest the load had seen, or keep places for twice the retention, and this fails.
    [Fact]
    public void No_entry_is_covered_that_could_lack_what_was_forgotten() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonEmptyArray<(byte Seconds, byte Happening)>>(), steps =>
        {
            var clock = new ManualClock();
            var horizon = new Horizon(clock);
            var known = new Dictionary<ulong, long>();   // bumps by transaction, and when the node learnt of them
            var (next, committed, running) = (100UL, new List<ulong>(), new List<ulong>());
            var loads = new List<(PgSnapshot Snapshot, ulong[] Seen)>();
            Begin();
            foreach (var (seconds, happening) in steps.Get)
            {
                clock.Advance(TimeSpan.FromSeconds(seconds % 16));
                switch (happening % 8)
                {
                    case 0 or 1: Commit(next++); break;
                    case 2: running.Add(next++); break;
                    case 3 when running.Count > 0:
                        Commit(running[0]);
                        running.RemoveAt(0);
                        break;
                    case 4: loads.Add((Snapshot(), [.. committed])); break;
                    case 5 or 6 or 7: Poll(); break;
                }

                Judge();
            }

            void Commit(ulong xid) => committed.Add(xid);

            PgSnapshot Snapshot() => PgSnapshot.Parse(FormattableString.Invariant($"{(running.Count > 0 ? running.Min() : next)}:{next}:{string.Join(',', running.Order())}"));

            void Begin()
            {
                horizon.Begin(0, clock.GetTimestamp());
                Poll();
            }

            void Poll()
            {
                var at = clock.GetTimestamp();
                foreach (var xid in committed) known.TryAdd(xid, at);
                horizon.Add(Snapshot(), at, Retention);
            }

            void Judge()
            {
                foreach (var (snapshot, seen) in loads)
                {
                    if (horizon.Covers(snapshot.Xmin) is not { } at || clock.GetElapsedTime(at) > Retention) continue;
                    // What it has not seen and the node has learnt of, the node still remembers.
                    foreach (var xid in known.Keys.Except(seen)) Assert.True(clock.GetElapsedTime(known[xid]) <= Retention, $"forgot {xid}");
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithEndSize(120));

    [Fact]
    public void A_node_that_begins_covers_back_to_where_the_log_was_pruned()
    {
        var clock = new ManualClock();
        var horizon = new Horizon(clock);
        Assert.Null(horizon.Covers(ulong.MaxValue));
        horizon.Begin(500, clock.GetTimestamp());
        Assert.Null(horizon.Covers(499));
        Assert.Equal(clock.GetTimestamp(), horizon.Covers(500));
    }

    [Fact]
    public void It_remembers_a_bounded_number_of_places()
    {
        var clock = new ManualClock();
        var horizon = new Horizon(clock);
        horizon.Begin(0, clock.GetTimestamp());
        for (var i = 0; i < 10_000; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            horizon.Add(PgSnapshot.Parse(FormattableString.Invariant($"{1000 + i}:{1000 + i}:")), clock.GetTimestamp(), Retention);
        }

        // The oldest of which is a retention old.
        Assert.NotNull(horizon.Covers(11_000 - 600));
        Assert.Null(horizon.Covers(11_000 - 700));
    }
}
