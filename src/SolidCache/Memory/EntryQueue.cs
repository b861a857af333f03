namespace SolidCache.Memory;

/// <summary>
/// A queue whose links are in the entries: leaving from the middle is O(1) and leaves nothing behind, so churn can't fill it with entries that are gone.
/// Every call is under the store's lock.
/// </summary>
internal sealed class EntryQueue
{
    private MemoryEntry? _newest;

    public MemoryEntry? Oldest { get; private set; }

    public long Bytes { get; private set; }

    public void Add(MemoryEntry entry)
    {
        entry.Older = _newest;
        if (_newest is null) Oldest = entry;
        else _newest.Newer = entry;
        _newest = entry;
        Bytes += MemoryStore.ChargeOf(entry);
    }

    public void Remove(MemoryEntry entry)
    {
        if (entry.Newer is null) _newest = entry.Older;
        else entry.Newer.Older = entry.Older;
        if (entry.Older is null) Oldest = entry.Newer;
        else entry.Older.Newer = entry.Newer;
        entry.Newer = entry.Older = null;
        Bytes -= MemoryStore.ChargeOf(entry);
    }
}
