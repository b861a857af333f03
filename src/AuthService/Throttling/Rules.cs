namespace AuthService.Throttling;

/// <summary>How looks at a secret are rationed: some are free, then each that fails makes the next one wait, twice as long each time.</summary>
/// <param name="Free">Failures before the first wait.</param>
/// <param name="StopAfter">Failures after which there are no more looks.</param>
/// <param name="Memory">After a pause of this length it begins anew.</param>
internal readonly record struct LookRule(int Free, int StopAfter, TimeSpan LongestDelay, TimeSpan Memory)
{
    public static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);

    /// <summary>No look is under way for longer than this after the last has begun: its node has died, and it counts as failed.</summary>
    public static readonly TimeSpan LongestLook = TimeSpan.FromMinutes(1);

    /// <summary>The wait that the failure of this number brings; zero: none.</summary>
    public TimeSpan DelayAfter(int failures)
    {
        if (failures < Free) return TimeSpan.Zero;
        var doublings = Math.Min(failures - Free, 30);
        var delay = FirstDelay * (1L << doublings);
        return delay < LongestDelay ? delay : LongestDelay;
    }

    /// <summary>One node's share where nodes can't count together.</summary>
    public LookRule Among(int nodes) => this with { Free = Math.Max(1, Free / nodes), StopAfter = Math.Max(1, StopAfter / nodes) };
}

/// <summary>So many in a span of time that begins with the first.</summary>
internal readonly record struct WindowRule(int Limit, TimeSpan Window)
{
    /// <inheritdoc cref="LookRule.Among"/>
    public WindowRule Among(int nodes) => this with { Limit = Math.Max(1, Limit / nodes) };
}

/// <summary>Whether a secret may be looked at.</summary>
internal enum Verdict
{
    May,

    /// <summary>Too many failures; not now.</summary>
    Refused,

    /// <summary>As many looks as are free are under way, and none of them has failed yet: ask again when one has ended.</summary>
    Busy,
}

/// <summary>What came of a look.</summary>
internal enum LookEnd
{
    Failed,
    Succeeded,

    /// <summary>There was none: nothing is known that was not known before.</summary>
    NotLooked,
}

/// <summary>What a counter of looks says.</summary>
/// <param name="Failures">With this look, as long as it has not succeeded.</param>
/// <param name="Rule">The one it was counted by.</param>
/// <param name="IsLocal">Counted by this node alone.</param>
internal readonly record struct Look(Verdict Verdict, int Failures, LookRule Rule, bool IsLocal)
{
    /// <summary>Should it fail, the waits begin.</summary>
    public bool IsLastFree => Verdict == Verdict.May && Failures == Rule.Free;

    /// <summary>Should it fail, there are no more.</summary>
    public bool IsLast => Verdict == Verdict.May && Failures >= Rule.StopAfter;
}

/// <summary>What a counter with a window says.</summary>
/// <param name="Count">With this one, if it was within the limit.</param>
/// <param name="IsFirstOver">Of those beyond the limit, in this window: the one that is told about.</param>
internal readonly record struct Tally(bool IsOver, int Count, TimeSpan EndsIn, bool IsFirstOver, WindowRule Rule, bool IsLocal);

/// <summary>
/// Where is counted. A look is counted as failed from the moment it begins, so that any number at once don't see more than one after
/// the other would; when it ends well, that is taken back.
/// </summary>
internal interface ICounters
{
    ValueTask<Look> BeginLookAsync(CounterKey key, LookRule rule);

    /// <summary>Once for each look that was allowed to begin.</summary>
    ValueTask EndLookAsync(CounterKey key, Look look, LookEnd end);

    /// <summary>Counts one more, unless the limit is reached.</summary>
    ValueTask<Tally> CountAsync(CounterKey key, WindowRule rule);

    /// <summary>Takes one back that was counted.</summary>
    ValueTask UncountAsync(CounterKey key, Tally counted);
}
