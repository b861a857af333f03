namespace SolidCache.Memory;

/// <summary>
/// What a <see cref="MemoryStore"/> holds; the tier above derives from it. Belongs to at most one store and is put in at most once: a new value is a new entry.
/// </summary>
/// <param name="bytes">
/// What the value weighs, the fields of the derived class included. The store adds what it needs itself: this object's own fields, the key, its places in
/// dictionary and queue (<see cref="MemoryStore.ChargeOf"/>).
/// </param>
internal abstract class MemoryEntry(string key, long bytes)
{
    /// <summary>The dictionary's key. The store sets it once, to an equal string: its node keeps the key of the first entry, and two would be one too many.</summary>
    public string Key { get; internal set; } = key;

    public long Bytes { get; } = bytes >= 0 ? bytes : throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "A value weighs nothing or more.");

    /// <summary>The neighbours in the queue. Null as soon as the entry has left it: who still holds an old entry must not hold its neighbours.</summary>
    internal MemoryEntry? Newer, Older;

    /// <summary>Hits since the queue last looked, at most <see cref="MemoryStore.MaxFrequency"/>.</summary>
    internal byte Frequency;

    internal bool InMain, WasPutIn;

    /// <summary>
    /// Without a lock: of two hits at the same instant one may be lost, which moves an eviction a little and nothing else. An entry at its maximum is only read, so
    /// that all cores can have the hot ones in their caches.
    /// </summary>
    internal void Hit()
    {
        var frequency = Frequency;
        if (frequency < MemoryStore.MaxFrequency) Frequency = (byte)(frequency + 1);
    }
}
