using System.Collections.Concurrent;

namespace SolidCache.Freshness;

/// <summary>
/// What this node has learnt of the newest version of tags. A tag that isn't here has not been bumped within the retention, and no
/// entry in memory is older than that.
/// </summary>
internal sealed class KnownVersions(TimeProvider clock)
{
    /// <summary>Tags held at most, some 100 MB. A node that learns of more begins anew instead.</summary>
    public const int MaxTags = 1_000_000;

    private readonly ConcurrentDictionary<long, Known> _tags = new();
    private long _generation;

    /// <summary>Grows with everything learnt: what was checked in this generation needs no other look.</summary>
    public long Generation => Volatile.Read(ref _generation);

    public int Count { get; private set; }

    public bool IsFull => Count > MaxTags;

    /// <returns>0: not bumped lately.</returns>
    public long VersionOf(long tag) => _tags.TryGetValue(tag, out var known) ? known.Version : 0;

    /// <summary>Takes over versions; older ones than known change nothing.</summary>
    public void Learn(ReadOnlySpan<long> tags, ReadOnlySpan<long> versions)
    {
        var now = clock.GetTimestamp();
        for (var i = 0; i < tags.Length; i++)
        {
            _tags.AddOrUpdate(tags[i],
                static (_, learnt) => learnt,
                static (_, known, learnt) => known.Version >= learnt.Version ? known with { LearntAt = learnt.LearntAt } : learnt,
                new Known(versions[i], now));
        }

        // After the versions: whoever reads the new generation finds them.
        Interlocked.Increment(ref _generation);
    }

    /// <summary>Whether stamps are at least as new as all that is known of their tags.</summary>
    public bool AreCurrent(ReadOnlySpan<long> tags, ReadOnlySpan<long> stamps)
    {
        for (var i = 0; i < tags.Length; i++)
        {
            if (_tags.TryGetValue(tags[i], out var known) && stamps[i] < known.Version) return false;
        }

        return true;
    }

    /// <summary>Lets go of what was learnt so long ago that no entry from before it can be left.</summary>
    public void Forget(TimeSpan retention)
    {
        foreach (var (tag, known) in _tags)
        {
            if (clock.GetElapsedTime(known.LearntAt) > retention) _tags.TryRemove(new KeyValuePair<long, Known>(tag, known));
        }

        Count = _tags.Count;
    }

    public void Clear()
    {
        _tags.Clear();
        Count = 0;
        Interlocked.Increment(ref _generation);
    }

    private readonly record struct Known(long Version, long LearntAt);
}
