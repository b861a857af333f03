namespace SolidCache.Freshness;

/// <summary>
/// How far back this node knows every invalidation, counted in transactions. What a tier that outlives nodes has kept is judged by it: an entry whose
/// load saw all transactions before a place at which this node's knowledge is whole lacks nothing but what is known. No clock of any machine decides.
/// </summary>
/// <remarks>
/// A place is the end of a snapshot: bumps that were not visible in it were learnt after it, and are remembered for a retention from then on. The first
/// place of an era is where the log had been pruned to when it was read whole.
/// </remarks>
internal sealed class Horizon(TimeProvider clock)
{
    /// <summary>Places remembered, so many to a retention: an entry in Redis ends by this part of a retention sooner than it would have to.</summary>
    public const int Places = 64;

    private volatile Place[] _places = [];

    /// <summary>The whole log has been read: nothing is missing from <paramref name="pruned"/> on.</summary>
    /// <param name="pruned">The transaction before which rows of the log may be missing.</param>
    /// <param name="at">Timestamp before the log was read.</param>
    public void Begin(ulong pruned, long at) => _places = [new Place(pruned, at)];

    /// <summary>All that was visible in a snapshot has been applied; what comes will be.</summary>
    /// <param name="at">Timestamp before the snapshot was taken.</param>
    /// <param name="retention">How long what is learnt is remembered.</param>
    public void Add(PgSnapshot snapshot, long at, TimeSpan retention)
    {
        var places = _places;
        if (places.Length == 0 || clock.GetElapsedTime(places[^1].At, at) < retention / Places) return;
        var old = 0;
        while (old < places.Length && clock.GetElapsedTime(places[old].At, at) > retention) old++;
        _places = [.. places.AsSpan(old), new Place(snapshot.Xmax, at)];
    }

    /// <returns>When the newest place that an entry's load had seen was passed, as a timestamp; null: nothing here goes back as far as that.</returns>
    /// <param name="xmin">All transactions before this one had ended when the load began.</param>
    public long? Covers(ulong xmin)
    {
        var places = _places;
        for (var i = places.Length - 1; i >= 0; i--) if (places[i].Xid <= xmin) return places[i].At;
        return null;
    }

    private readonly record struct Place(ulong Xid, long At);
}
