using Microsoft.Extensions.Caching.Hybrid;

namespace SolidCache.Loading;

/// <summary>What is asked: the key, the tags the caller knows of, and the rules that group and caller set.</summary>
internal sealed class EntryRequest
{
    /// <summary>Tags of one entry, besides those it has by itself.</summary>
    public const int MaxTags = 64;

    /// <exception cref="ArgumentException">Key, tags or times are out of their limits.</exception>
    public EntryRequest(string key, CacheGroup group, HybridCacheEntryOptions? options, IEnumerable<string>? tags)
    {
        (Key, Stored, Group) = (key, CacheKey.Hybrid(key), group);
        Flags = options?.Flags ?? HybridCacheEntryFlags.None;
        if (!group.InMemory) Flags |= HybridCacheEntryFlags.DisableLocalCache;
        (Expiration, LocalExpiration) = (options?.Expiration, options?.LocalCacheExpiration);
        if (Expiration <= TimeSpan.Zero || LocalExpiration <= TimeSpan.Zero)
            throw new ArgumentException("A life is longer than nothing. To return a value without keeping it, set flags.", nameof(options));
        TagHashes = TagsOf(key, group, tags);
    }

    public string Key { get; }
    public CacheKey Stored { get; }
    public CacheGroup Group { get; }
    public HybridCacheEntryFlags Flags { get; }
    public TimeSpan? Expiration { get; }
    public TimeSpan? LocalExpiration { get; }

    /// <summary>The key's own comes first.</summary>
    public long[] TagHashes { get; }

    public bool ReadsMemory => !Flags.HasFlag(HybridCacheEntryFlags.DisableLocalCacheRead);
    public bool WritesMemory => !Flags.HasFlag(HybridCacheEntryFlags.DisableLocalCacheWrite);
    public bool ReadsRedis => Group.InRedis && !Flags.HasFlag(HybridCacheEntryFlags.DisableDistributedCacheRead);
    public bool WritesRedis => Group.InRedis && !Flags.HasFlag(HybridCacheEntryFlags.DisableDistributedCacheWrite);
    public bool ReadsPostgres => Group.InPostgres && !Flags.HasFlag(HybridCacheEntryFlags.DisableDistributedCacheRead);
    public bool WritesPostgres => Group.InPostgres && !Flags.HasFlag(HybridCacheEntryFlags.DisableDistributedCacheWrite);
    public bool Loads => !Flags.HasFlag(HybridCacheEntryFlags.DisableUnderlyingData);

    private static long[] TagsOf(string key, CacheGroup group, IEnumerable<string>? tags)
    {
        var hashes = new List<long>(8) { TagHash.Of(key), ReservedTags.All, group.TagHash };
        if (group.HasPrefixTags)
        {
            for (var end = key.IndexOf(':', StringComparison.Ordinal); end >= 0; end = key.IndexOf(':', end + 1))
                Add(TagHash.Of(key[..(end + 1)]));
        }

        var count = 0;
        foreach (var tag in tags ?? [])
        {
            CacheKey.Check(tag, nameof(tags));
            if (++count > MaxTags) throw new ArgumentException($"An entry has at most {MaxTags} tags.", nameof(tags));
            Add(TagHash.Of(tag));
        }

        return [.. hashes];

        void Add(long hash)
        {
            if (!hashes.Contains(hash)) hashes.Add(hash);
        }
    }
}

/// <summary>Tags that entries carry without being told.</summary>
internal static class ReservedTags
{
    public const string AllName = "all";
    public static readonly long All = TagHash.Of(AllName);

    public static string OfGroup(string name) => $"{AllName}:{name}";
}
