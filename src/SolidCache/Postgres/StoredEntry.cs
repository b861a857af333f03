namespace SolidCache.Postgres;

/// <summary>A live entry without tags, as read.</summary>
/// <param name="Value">Null: too large for a batch, to be fetched alone.</param>
/// <param name="Slides">Sliding, and a tenth of its window has gone by.</param>
internal sealed record StoredEntry(byte[]? Value, int Size, bool IsTouched, bool Slides, DateTime CreatedAt);

/// <summary>A live entry with the stamps it was stored with.</summary>
internal sealed record TaggedEntry(byte[]? Value, int Size, bool IsTouched, TimeSpan Left, DateTime CreatedAt, long[] TagHashes, long[] Stamps);

/// <summary>What is stored under a key, and the versions that its tags had in the same snapshot.</summary>
internal sealed record TaggedRead(TaggedEntry? Entry, IReadOnlyDictionary<long, long> Versions)
{
    public long VersionOf(long tag) => Versions.TryGetValue(tag, out var version) ? version : 0;
}

/// <summary>A question for an entry and the tags the caller knows it to have.</summary>
internal readonly record struct TaggedKey(CacheKey Key, long[] Tags);

/// <summary>An entry to store.</summary>
/// <param name="Lifetime">From now, by the database's clock.</param>
/// <param name="Expiration">The latest moment of its life, by the same clock.</param>
/// <param name="Epoch">With tags: the incarnation of the database in which it was loaded.</param>
internal sealed record EntryWrite(
    CacheKey Key, byte[] Value, TimeSpan? Lifetime, DateTimeOffset? Expiration = null, TimeSpan? Sliding = null,
    Guid? Epoch = null, long[]? TagHashes = null, long[]? Stamps = null);

/// <summary>An entry whose end moves. Without a moment of creation: whichever stands under the key.</summary>
internal readonly record struct EntrySlide(CacheKey Key, DateTime? CreatedAt);

/// <summary>A large entry as found.</summary>
internal readonly record struct LargeEntry(long Hash, DateTime CreatedAt);
