using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
namespace SolidCache.Memory;
// placeholder until the real one is merged
internal sealed class MemoryStore(long maxBytes)
{
    private readonly ConcurrentDictionary<string, MemoryEntry> _d = new(StringComparer.Ordinal);
    public long MaxBytes => maxBytes;
    public bool TryGet(string key, [NotNullWhen(true)] out MemoryEntry? entry) => _d.TryGetValue(key, out entry);
    public bool TryGet(ReadOnlySpan<char> key, [NotNullWhen(true)] out MemoryEntry? entry) => _d.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(key, out entry);
    public bool Set(MemoryEntry entry) { _d[entry.Key] = entry; return true; }
    public bool Remove(string key) => _d.TryRemove(key, out _);
    public bool Remove(MemoryEntry entry) => _d.TryRemove(new KeyValuePair<string, MemoryEntry>(entry.Key, entry));
    public void Clear() => _d.Clear();
    public IEnumerable<MemoryEntry> Snapshot() => _d.Values;
}
