namespace IntegrationTests.SolidCache.Freshness;

/// <summary>A change of one subject that was answered: from this moment nobody may be told an older number.</summary>
internal readonly record struct Answered(long At, int Subject, long Seq);

/// <summary>A question for a subject's number: when it began and ended, what was said, and whether memory said it.</summary>
internal readonly record struct Check(long Start, long End, int Subject, bool IsHit, long Seq);

/// <summary>An answer older than what had been answered before its question began.</summary>
internal readonly record struct Stale(int Stream, Check Check, long Floor, long AnsweredAt);

/// <summary>What a run came to.</summary>
internal sealed record Verdict(long Answers, long Checks, long Hits, long SoonAfter, long StaleCount, Stale? First, long ChecksUntilFirst)
{
    public override string ToString() =>
        $"{Answers} answered changes, {Checks} checks, {Hits} from memory, {SoonAfter} within 50 ms after an answer on a node that held the entry, {StaleCount} stale"
        + (First is { } f ? $"; the first after {ChecksUntilFirst} checks: subject {f.Check.Subject} is at {f.Check.Seq}, {f.Floor} had been answered {(f.Check.Start - f.AnsweredAt) / 1e6:0.0} ms before" : "");
}

/// <summary>
/// Reads what all processes have recorded, by one clock (CLOCK_MONOTONIC, which they share), and looks for a check that began after a change
/// had been answered and yet tells an older number. A stream is the checks of one loop: one after another, so in order of their starts.
/// </summary>
internal static class History
{
    private const long FiftyMs = 50_000_000;   // the clock ticks in nanoseconds

    public static Verdict Judge(IReadOnlyList<Answered> answers, IReadOnlyList<IEnumerable<Check>> streams)
    {
        var inOrder = answers.OrderBy(a => a.At).ToArray();
        long checks = 0, hits = 0, soon = 0, stale = 0;
        Stale? first = null;
        for (var stream = 0; stream < streams.Count; stream++)
        {
            var next = 0;
            var (floors, lastSeen) = (new Dictionary<int, Floor>(), new Dictionary<int, long>());
            foreach (var check in streams[stream])
            {
                for (; next < inOrder.Length && inOrder[next].At < check.Start; next++) Raise(floors, lastSeen, inOrder[next]);
                checks++;
                if (check.IsHit) hits++;
                if (floors.TryGetValue(check.Subject, out var floor))
                {
                    if (floor.WasHeld && check.Start - floor.At <= FiftyMs) soon++;
                    if (check.Seq < floor.Seq)
                    {
                        stale++;
                        if (first is null || check.Start < first.Value.Check.Start) first = new Stale(stream, check, floor.Seq, floor.RaisedAt);
                    }
                }

                lastSeen[check.Subject] = check.End;
            }
        }

        var until = first is { } f ? streams.Sum(s => s.LongCount(c => c.Start <= f.Check.Start)) : 0;
        return new Verdict(inOrder.Length, checks, hits, soon, stale, first, until);
    }

    private static void Raise(Dictionary<int, Floor> floors, Dictionary<int, long> lastSeen, Answered answer)
    {
        var wasHeld = lastSeen.TryGetValue(answer.Subject, out var seen) && seen < answer.At;
        floors[answer.Subject] = floors.TryGetValue(answer.Subject, out var floor) && floor.Seq >= answer.Seq
            ? floor with { At = answer.At, WasHeld = wasHeld }   // answered again: a call that found nothing to change
            : new Floor(answer.Seq, answer.At, answer.At, wasHeld);
    }

    private readonly record struct Floor(long Seq, long RaisedAt, long At, bool WasHeld);
}
