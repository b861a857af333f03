using SolidCache.Freshness;

namespace SolidCache.Memory;

/// <summary>A value in memory: the object itself where nobody can change it, else its payload, from which each caller gets a copy.</summary>
/// <param name="keptSince">Timestamp after its load had ended.</param>
/// <param name="expiresAt">Timestamp of the end of its life.</param>
/// <param name="keptUntil">Timestamp until which it may stand in for a load that takes too long. At least <paramref name="expiresAt"/>.</param>
/// <param name="refreshAt">Timestamp after which a hit makes the node load anew.</param>
internal sealed class CachedEntry(
    string key, long bytes, FreshnessMark mark, object? value, byte[]? payload, ushort version, long keptSince, long expiresAt, long keptUntil, long refreshAt)
    : MemoryEntry(key, FieldsBytes + (8L * 2 * mark.TagHashes.Length) + bytes)
{
    // This object's own fields, its mark and the headers of that mark's two arrays.
    private const int FieldsBytes = 168;

    private int _refreshes;

    public FreshnessMark Mark => mark;
    public object? Value => value;
    public byte[]? Payload => payload;
    public ushort Version => version;
    public long KeptSince => keptSince;
    public long ExpiresAt => expiresAt;
    public long KeptUntil => keptUntil;
    public long RefreshAt => refreshAt;

    /// <summary>True for one caller only.</summary>
    public bool TryBeginRefresh() => Interlocked.Exchange(ref _refreshes, 1) == 0;
}
