using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace SolidCache.Memory;

/// <summary>The in-process tier: entries by key, bounded in bytes. It knows nothing of freshness, time or serialization.</summary>
/// <remarks>
/// Eviction is S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023). New entries pass through a small queue, a tenth
/// of the bytes; who was hit twice there goes on to the main queue, the others leave and their key is remembered for as many evictions as there are entries. Who comes
/// back within that time goes to main at once. Main is a CLOCK: its oldest goes round again once for each hit it had, at most three times. A scan of keys that nobody
/// asks for twice turns over the small queue only. Not LRU, which writes at every hit and which a scan empties. Not SIEVE (NSDI 2024), simpler by the ghosts and one
/// queue: simulated beside this one in bytes it is level while popularity stands still, two to three points of hit ratio behind when it moves, and a scan that asks
/// for each key once more takes all that is hot. Not in the paper: bytes instead of entries, and <see cref="MostSpared"/>.
/// <para>
/// Readers take no lock. Writers take one, under which dictionary, queues and counters change together; so the dictionary's own is never waited for, and it needs one
/// only. Its comparer is the ordinal one: the runtime then hashes without a seed, which is quickest, until a chain is longer than a hundred, and from there on with a
/// seed per process. Keys chosen to collide get no further than that.
/// </para>
/// </remarks>
internal sealed class MemoryStore
{
    /// <summary>
    /// What an entry costs beside its value and the characters of its key: 56 bytes of MemoryEntry, 48 of dictionary node, up to 17 of bucket, up to 28 of the string's
    /// header and padding, up to 16 of EvictedKeys. The tests measure it. Not in it: a growing table is there twice for a moment, and tables shrink in Clear only.
    /// </summary>
    internal const int EntryOverhead = 168;

    /// <summary>More hits say nothing more: the paper found two bits enough. It bounds how often an entry goes round.</summary>
    internal const byte MaxFrequency = 3;

    /// <summary>The small queue's part of the bytes, one in this many; and the largest entry's: a larger one would push everything else out of the small queue.</summary>
    internal const int SmallShare = 10;

    /// <summary>
    /// How many entries an eviction sends round before it takes one with hits. Without it a writer that meets a million hot entries goes round three times, the lock
    /// held, and readers that raise the frequencies meanwhile could keep it there.
    /// </summary>
    private const int MostSpared = 128;

    private readonly Lock _writing = new();
    private readonly ConcurrentDictionary<string, MemoryEntry> _entries = new(concurrencyLevel: 1, capacity: 31, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, MemoryEntry>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private readonly EvictedKeys _evicted = new();
    private readonly long _share;
    private EntryQueue _small = new(), _main = new();
    private long _bytes, _evictions;
    private int _count;

    public MemoryStore(long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        MaxBytes = maxBytes;
        _share = maxBytes / SmallShare;
        _bySpan = _entries.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public long MaxBytes { get; }

    /// <summary>The charges of all entries; at no instant more than <see cref="MaxBytes"/>.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public int Count => Volatile.Read(ref _count);

    /// <summary>Entries that had to go for others; not those that were removed, replaced or cleared.</summary>
    public long Evictions => Volatile.Read(ref _evictions);

    public bool TryGet(string key, [NotNullWhen(true)] out MemoryEntry? entry)
    {
        if (!_entries.TryGetValue(key, out entry)) return false;
        entry.Hit();
        return true;
    }

    public bool TryGet(ReadOnlySpan<char> key, [NotNullWhen(true)] out MemoryEntry? entry)
    {
        if (!_bySpan.TryGetValue(key, out entry)) return false;
        entry.Hit();
        return true;
    }

    /// <summary>Replaces what the key had; readers see the old or the new, never neither. False, and nothing kept under the key, when the entry is too large.</summary>
    public bool Set(MemoryEntry entry)
    {
        lock (_writing)
        {
            if (entry.WasPutIn) throw new InvalidOperationException("An entry is put in once.");
            _entries.TryGetValue(entry.Key, out var old);
            if (entry.Bytes > _share || ChargeOf(entry) > _share)
            {
                if (old is not null) Drop(old);
                return false;
            }

            if (old is null) entry.InMain = _evicted.Contains(entry.Key, _count);
            else TakePlaceOf(old, entry);
            var added = ChargeOf(entry) - (old is null ? 0 : ChargeOf(old));
            MakeRoom(added);
            _entries[entry.Key] = entry;
            QueueOf(entry).Add(entry);
            entry.WasPutIn = true;
            _bytes += added;
            if (old is null) _count++;
            return true;
        }
    }

    public bool Remove(string key)
    {
        if (!_entries.ContainsKey(key)) return false;
        lock (_writing)
        {
            if (!_entries.TryGetValue(key, out var entry)) return false;
            Drop(entry);
            return true;
        }
    }

    /// <summary>Only if the key still has exactly this entry.</summary>
    public bool Remove(MemoryEntry entry)
    {
        lock (_writing)
        {
            if (!_entries.TryGetValue(entry.Key, out var present) || present != entry) return false;
            Drop(entry);
            return true;
        }
    }

    public void Clear()
    {
        EntryQueue small, main;
        lock (_writing)
        {
            (small, main) = (_small, _main);
            (_small, _main) = (new EntryQueue(), new EntryQueue());
            _entries.Clear();
            _evicted.Clear();
            _bytes = _count = 0;
        }

        // No writer reaches these entries any more. Unlinked, so that one that is still held doesn't hold the others.
        while (small.Oldest is { } entry) small.Remove(entry);
        while (main.Oldest is { } entry) main.Remove(entry);
    }

    /// <summary>
    /// Every entry that is present from the first step to the last, once; of those that come, go or are replaced meanwhile, some. An instance that was replaced
    /// meanwhile may be among them: who wants the key gone calls <see cref="Remove(string)"/>.
    /// </summary>
    public IEnumerable<MemoryEntry> Snapshot()
    {
        foreach (var (_, entry) in _entries) yield return entry;
    }

    internal static long ChargeOf(MemoryEntry entry) => EntryOverhead + sizeof(char) * (long)entry.Key.Length + entry.Bytes;

    private EntryQueue QueueOf(MemoryEntry entry) => entry.InMain ? _main : _small;

    /// <summary>A value that is loaded anew is no new key: it keeps queue and frequency. The old entry stays in the dictionary until the new one is written over it.</summary>
    private void TakePlaceOf(MemoryEntry old, MemoryEntry entry)
    {
        QueueOf(old).Remove(old);
        entry.Key = old.Key;
        entry.Frequency = old.Frequency;
        entry.InMain = old.InMain;
    }

    private void Drop(MemoryEntry entry)
    {
        _entries.TryRemove(entry.Key, out _);
        QueueOf(entry).Remove(entry);
        _bytes -= ChargeOf(entry);
        _count--;
    }

    /// <summary>One of the queues always has an entry left: what is put in is at most a tenth of what fits.</summary>
    private void MakeRoom(long added)
    {
        var spared = 0;
        while (_bytes + added > MaxBytes)
        {
            var isSmallsTurn = _small.Bytes >= _share || _main.Oldest is null;
            var entry = (isSmallsTurn ? _small : _main).Oldest!;
            if (entry.Frequency > (isSmallsTurn ? 1 : 0) && spared++ < MostSpared) Spare(entry);
            else
            {
                if (isSmallsTurn) _evicted.Add(entry.Key, _count);
                Drop(entry);
                _evictions++;
                spared = 0;
            }
        }
    }

    private void Spare(MemoryEntry entry)
    {
        QueueOf(entry).Remove(entry);
        entry.Frequency = (byte)(entry.InMain ? entry.Frequency - 1 : 0);
        entry.InMain = true;
        _main.Add(entry);
    }
}
