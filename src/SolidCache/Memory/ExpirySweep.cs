namespace SolidCache.Memory;

/// <summary>
/// Drops entries of memory whose time is over. Without it they stay until their bytes are needed: a store of half a gigabyte would fill with them before it forgets the
/// first, whatever little of it is alive.
/// </summary>
internal sealed class ExpirySweep(MemoryStore memory, TimeProvider clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    public async Task RunAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(ct).ConfigureAwait(false)) Sweep();
    }

    /// <summary>One round over all entries. Takes the store's lock for each that goes, not for the round.</summary>
    internal void Sweep()
    {
        var now = clock.GetTimestamp();
        foreach (var entry in memory.Snapshot())
        {
            if (entry is CachedEntry cached && now >= cached.KeptUntil) memory.Remove(entry);
        }
    }
}
