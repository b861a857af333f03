namespace SolidCache.Freshness;

/// <summary>The time between two beginnings of a node. Entries and loads of another era are worth nothing. Compared by reference.</summary>
/// <param name="Epoch">The incarnation of the database in which it began.</param>
internal sealed record Era(Guid Epoch);

/// <summary>What one successful poll allows: to trust what is known until it ends, by both clocks.</summary>
/// <param name="Snapshot">Everything visible in it has been applied.</param>
/// <param name="AsOf">Timestamp at which the poll began. A load that begins now is at least as new.</param>
/// <param name="EndsAt">Timestamp of the monotonic clock, which stands still while a virtual machine does.</param>
/// <param name="EndsAtUtc">Ticks of the wall clock, which may be set.</param>
/// <param name="DatabaseTime">The server's time at the poll, which began at <paramref name="AsOf"/>.</param>
internal sealed record Lease(Era? Era, PgSnapshot Snapshot, long AsOf, long EndsAt, long EndsAtUtc, DateTime DatabaseTime)
{
    public static readonly Lease None = new(null, PgSnapshot.Nothing, 0, long.MinValue, long.MinValue, DateTime.MinValue);

    /// <summary>The same knowledge without leave to answer from it.</summary>
    public Lease Ended => this with { EndsAt = long.MinValue, EndsAtUtc = long.MinValue };
}
