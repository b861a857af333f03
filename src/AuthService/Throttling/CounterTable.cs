namespace AuthService.Throttling;

/// <summary>
/// Counters in a fixed amount of memory, whatever number of keys comes along. Sets of eight places; a key has its set, which nobody outside can
/// tell. Where all eight are taken the newcomer gets the place of one that has expired, else of the one that has counted least. So whoever wants a
/// counter of n forgotten makes all others of its set reach n, and since he does not know which those are, some n of all counters of the table.
/// </summary>
internal sealed class CounterTable
{
    private const int Ways = 8;
    private const int GateCount = 64;

    private readonly CounterEntry[] _entries;
    private readonly Lock[] _gates = new Lock[GateCount];
    private readonly int _setMask;

    /// <param name="capacity">Rounded up to a power of two.</param>
    public CounterTable(int capacity)
    {
        var sets = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity / Ways, 1));
        (_entries, _setMask) = (new CounterEntry[sets * Ways], sets - 1);
        for (var i = 0; i < GateCount; i++) _gates[i] = new Lock();
    }

    public int Capacity => _entries.Length;

    /// <summary>Does something with the counter of a key, which is at 0 if there was none. Nobody else has it meanwhile.</summary>
    public TResult Use<TState, TResult>(CounterKey key, long now, TState state, Change<TState, TResult> change)
    {
        var set = SetOf(key);
        lock (_gates[set % GateCount]) return change(ref PlaceOf(set, key, now), state);
    }

    /// <summary>The counter as it is; that of a key unknown is at 0 and gets no place.</summary>
    public CounterEntry Read(CounterKey key, long now)
    {
        var set = SetOf(key);
        lock (_gates[set % GateCount])
        {
            foreach (ref var entry in _entries.AsSpan(set * Ways, Ways))
            {
                if (entry.Key == key && entry.ExpiresAt > now) return entry;
            }
        }

        return default;
    }

    private ref CounterEntry PlaceOf(int set, CounterKey key, long now)
    {
        var places = _entries.AsSpan(set * Ways, Ways);
        var least = 0;
        for (var i = 0; i < Ways; i++)
        {
            ref var place = ref places[i];
            if (place.ExpiresAt <= now) place = default;
            else if (place.Key == key) return ref place;
            if ((place.Count, place.ExpiresAt).CompareTo((places[least].Count, places[least].ExpiresAt)) < 0) least = i;
        }

        places[least] = new CounterEntry { Key = key };
        return ref places[least];
    }

    // Seeded anew in each process.
    private int SetOf(CounterKey key) => HashCode.Combine(key.Kind, key.Id) & _setMask;

    public delegate TResult Change<in TState, out TResult>(ref CounterEntry entry, TState state);
}

/// <summary>What is known of one key. Times are timestamps.</summary>
internal struct CounterEntry
{
    public CounterKey Key;

    /// <summary>Failures, or events in the window.</summary>
    public int Count;

    /// <summary>Looks among them that are still under way.</summary>
    public int Looking;

    /// <summary>When the last look began.</summary>
    public long BeganAt;

    /// <summary>When the wait, or the window, ends.</summary>
    public long Until;

    public long ExpiresAt;

    /// <summary>Somebody was told that the limit is passed.</summary>
    public bool IsTold;
}
