using SolidCache.Memory;

namespace UnitTests.SolidCache.Memory;

/// <summary>What the store is compared with; charges like it.</summary>
internal sealed class LeastRecentlyUsed(long store)
{
    private readonly Dictionary<string, LinkedListNode<(string Key, long Charge)>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, long Charge)> _order = [];
    private long _bytes;

    public bool Contains(string key) => _entries.ContainsKey(key);

    /// <summary>True: it was there. Otherwise it is now.</summary>
    public bool Ask(string key, long bytes)
    {
        if (_entries.TryGetValue(key, out var node))
        {
            _order.Remove(node);
            _order.AddLast(node);
            return true;
        }

        var charge = MemoryStore.EntryOverhead + 2 * key.Length + bytes;
        while (_bytes + charge > store)
        {
            _bytes -= _order.First!.Value.Charge;
            _entries.Remove(_order.First.Value.Key);
            _order.RemoveFirst();
        }

        _entries[key] = _order.AddLast((key, charge));
        _bytes += charge;
        return false;
    }
}
