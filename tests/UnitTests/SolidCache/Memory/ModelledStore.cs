using SolidCache.Memory;

namespace UnitTests.SolidCache.Memory;

/// <summary>A store beside the dictionary it should be. What the store has lost is allowed to be lost where it was full and says so.</summary>
internal sealed class ModelledStore(MemoryStore store)
{
    private readonly Dictionary<string, Weighed> _model = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Weighed> _lastReplaced = new(StringComparer.Ordinal);

    public long Evictions => store.Evictions;

    public void Do(char kind, string key, int bytes)
    {
        var (evictionsBefore, bytesBefore) = (store.Evictions, store.Bytes);
        _model.TryGetValue(key, out var present);
        var mayEvict = false;
        switch (kind)
        {
            case 's':
                var entry = new Weighed(new string(key.AsSpan()), bytes);
                var charge = MemoryStore.EntryOverhead + 2 * key.Length + bytes;
                mayEvict = bytesBefore - ChargeOf(present) + charge > store.MaxBytes;
                var fits = charge <= store.MaxBytes / 10;
                Assert.Equal(fits, store.Set(entry));
                _model.Remove(key);
                if (fits) _model[key] = entry;
                if (present is not null) _lastReplaced[key] = present;
                if (fits) Assert.Contains(entry, store.Snapshot());
                break;
            case 'g':
                Assert.Equal(present is not null, bytes % 2 == 0 ? store.TryGet(key, out var found) : store.TryGet(key.AsSpan(), out found));
                Assert.Same(present, found);
                break;
            case 'r':
                Assert.Equal(_model.Remove(key), store.Remove(key));
                if (present is not null) _lastReplaced[key] = present;
                break;
            case 'i':
                if (_lastReplaced.TryGetValue(key, out var replaced)) Assert.False(store.Remove(replaced));
                if (bytes % 2 == 0 && present is not null) Assert.True(store.Remove(present) && _model.Remove(key));
                break;
            case 'c':
                store.Clear();
                _model.Clear();
                break;
        }

        var left = store.Snapshot().ToDictionary(e => e.Key, StringComparer.Ordinal);
        Assert.All(left, pair => Assert.Same(_model[pair.Key], pair.Value));
        Assert.Equal(_model.Count - left.Count, store.Evictions - evictionsBefore);
        Assert.True(mayEvict || store.Evictions == evictionsBefore, "evicted with room left");
        foreach (var gone in _model.Keys.Where(k => !left.ContainsKey(k)).ToArray()) _model.Remove(gone);
        Assert.Equal((left.Count, left.Values.Sum(ChargeOf)), (store.Count, store.Bytes));
        Assert.InRange(store.Bytes, 0, store.MaxBytes);
    }

    private static long ChargeOf(MemoryEntry? entry) => entry is null ? 0 : MemoryStore.EntryOverhead + 2 * entry.Key.Length + entry.Bytes;
}
