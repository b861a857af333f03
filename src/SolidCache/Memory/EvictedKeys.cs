using System.Numerics;

namespace SolidCache.Memory;

/// <summary>
/// The ghost queue of S3-FIFO: which keys left the small queue lately. It keeps hashes, not keys, in sets of four slots; a slot is the hash and the number of the
/// eviction, and a full set forgets its oldest. So it may forget early and, for one key in thousands, remember what never was: either costs a detour through the
/// wrong queue. The hash is the runtime's, seeded per process. Every call is under the store's lock.
/// </summary>
internal sealed class EvictedKeys
{
    private const int SlotsInSet = 4;
    private const int FewestSlots = 64;

    private ulong[] _slots = [];
    private uint _evictions;

    /// <param name="memory">How many evictions back it shall remember. The table is never smaller, nor larger than twice the most that was asked for.</param>
    public void Add(string key, int memory)
    {
        if (_slots.Length < memory || _slots.Length == 0) Grow(memory);
        Place(((ulong)(uint)key.GetHashCode(StringComparison.Ordinal) << 32) | ++_evictions);
    }

    public bool Contains(string key, int memory)
    {
        if (_slots.Length == 0) return false;
        var hash = (uint)key.GetHashCode(StringComparison.Ordinal);
        foreach (var slot in SetOf(hash))
        {
            if (slot != 0 && (uint)(slot >> 32) == hash) return _evictions - (uint)slot < memory;
        }

        return false;
    }

    public void Clear() => _slots = [];

    private Span<ulong> SetOf(uint hash) => _slots.AsSpan((int)(hash & (uint)(_slots.Length / SlotsInSet - 1)) * SlotsInSet, SlotsInSet);

    private void Place(ulong added)
    {
        var set = SetOf((uint)(added >> 32));
        var taken = 0;
        for (var i = 0; i < set.Length; i++)
        {
            if (set[i] >> 32 == added >> 32) { taken = i; break; }
            if (_evictions - (uint)set[i] > _evictions - (uint)set[taken]) taken = i;
        }

        set[taken] = added;
    }

    private void Grow(int memory)
    {
        var old = _slots;
        _slots = new ulong[BitOperations.RoundUpToPowerOf2((uint)Math.Max(memory, FewestSlots))];
        foreach (var slot in old)
        {
            if (slot != 0) Place(slot);
        }
    }
}
