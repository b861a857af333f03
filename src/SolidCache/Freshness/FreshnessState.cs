namespace SolidCache.Freshness;

/// <summary>What an entry in memory is judged by. Read on every hit: no lock, nothing allocated.</summary>
internal sealed class FreshnessState(FreshnessOptions options, TimeProvider clock)
{
    private volatile Lease _lease = Lease.None;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a poll has next brought something.</summary>
    public Task News => Volatile.Read(ref _news).Task;

    public void TellNews() => Interlocked.Exchange(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    public KnownVersions Known { get; } = new(clock);

    /// <summary>How far back what is known is whole.</summary>
    public Horizon Horizon { get; } = new(clock);

    /// <summary>Nodes that were registered at the last poll, this one among them.</summary>
    public int NodeCount { get; set; } = 1;

    /// <summary>The newest lease, run out or not. A load takes its era, snapshot and time from the one at which it began.</summary>
    public Lease Lease
    {
        get => _lease;
        set => _lease = value;
    }

    public bool IsLeaseHeld => Holds(_lease, clock.GetTimestamp());

    /// <summary>When an entry whose load began with <paramref name="began"/> is too old to be judged, as a timestamp.</summary>
    public long OldestServed(Lease began) => began.AsOf + Ticks(options.Retention - options.Margin);

    /// <summary>The server's time now, as this node can tell: never earlier than it is.</summary>
    public DateTime DatabaseTime(Lease lease) => lease.DatabaseTime + clock.GetElapsedTime(lease.AsOf);

    /// <summary>How an entry of a tier that outlives nodes is judged here: by what it says of itself, as long as this node can tell.</summary>
    /// <param name="xmin">All transactions before this one had ended when its load began.</param>
    /// <returns>Null: it is of another epoch, or older than what this node knows.</returns>
    public FreshnessMark? MarkOf(Guid epoch, ulong xmin, long[] tagHashes, long[] stamps)
    {
        var lease = _lease;
        if (lease.Era is not { } era || (era.Epoch != epoch && !options.IsOff(Mechanisms.Epoch))) return null;
        if (options.IsOff(Mechanisms.Horizon)) return new FreshnessMark(era, tagHashes, stamps, long.MaxValue);
        // Of a horizon of another era than the lease's nothing will be served: beginning anew ends the era first.
        return Horizon.Covers(xmin) is { } at ? new FreshnessMark(era, tagHashes, stamps, at + Ticks(options.Retention - options.Margin)) : null;
    }

    /// <summary>Rule 1: era, age, lease, stamps.</summary>
    public bool MayServe(FreshnessMark mark, long now)
    {
        var lease = _lease;
        return IsOf(mark, lease, now) && Holds(lease, now) && IsCurrent(mark);
    }

    /// <summary>Both, by one lease and one look at the clocks.</summary>
    public bool MayServe(FreshnessMark mark, FreshnessMark other, long now)
    {
        var lease = _lease;
        return IsOf(mark, lease, now) && IsOf(other, lease, now) && Holds(lease, now) && IsCurrent(mark) && IsCurrent(other);
    }

    /// <summary>Whether what a value was made from is known to have changed since: nobody would ever be served it.</summary>
    public bool IsOutdated(FreshnessMark mark) => !Known.AreCurrent(mark.TagHashes, mark.Stamps);

    /// <summary>The node applies everything a revision says, without waiting for its poll.</summary>
    /// <returns>The era in which it did; null: the revision is of another epoch, or the node is just beginning one.</returns>
    public Era? Learn(Revision revision)
    {
        if (_lease.Era is not { } era || era.Epoch != revision.Epoch) return null;
        Known.Learn(revision.TagHashes, revision.Versions);
        return era;
    }

    /// <summary>At most some thirty years, so that sums don't overflow.</summary>
    public long Ticks(TimeSpan time) => (long)(Math.Min(time.TotalSeconds, 1e9) * clock.TimestampFrequency);

    private static bool IsOf(FreshnessMark mark, Lease lease, long now) => ReferenceEquals(mark.Era, lease.Era) && now < mark.ServedUntil;

    private bool Holds(Lease lease, long now) => now < lease.EndsAt && clock.GetUtcNow().UtcTicks < lease.EndsAtUtc;

    private bool IsCurrent(FreshnessMark mark) => mark.CheckedIn == Known.Generation || CompareStamps(mark);

    private bool CompareStamps(FreshnessMark mark)
    {
        var generation = Known.Generation;
        if (!Known.AreCurrent(mark.TagHashes, mark.Stamps)) return false;
        // Beginning anew forgets what is known, after it has ended the era: what was just compared may have been nothing.
        if (!ReferenceEquals(mark.Era, _lease.Era)) return false;
        mark.CheckedIn = generation;
        return true;
    }
}

/// <summary>What a value was made from: the tags it goes by, their versions before its load began, and when that was.</summary>
/// <param name="servedUntil">Timestamp after which it can't be judged any more.</param>
internal sealed class FreshnessMark(Era? era, long[] tagHashes, long[] stamps, long servedUntil)
{
    public Era? Era => era;
    public long[] TagHashes => tagHashes;
    public long[] Stamps => stamps;
    public long ServedUntil => servedUntil;

    /// <summary>The generation of what was known when the stamps were last compared.</summary>
    public long CheckedIn { get; set; } = -1;
}
