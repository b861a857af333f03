using System.Text.Json.Serialization;

namespace SolidCache.Postgres;

/// <summary>What the entries table holds. Entries are counted exactly below some 100,000 of them, and estimated from a sample of about 1,000 pages above.</summary>
public sealed record CacheStatistics
{
    /// <summary>Rows, the expired among them included.</summary>
    [JsonPropertyName("total_entries")]
    public required long TotalEntries { get; init; }

    /// <summary>Rows that have expired and wait to be deleted; they are never served.</summary>
    [JsonPropertyName("expired_entries")]
    public required long ExpiredEntries { get; init; }

    /// <summary>What all rows weigh: value, key, and 128 bytes for the row. The measure of <see cref="SolidCacheOptions.MaxBytes"/>.</summary>
    [JsonPropertyName("total_size_bytes")]
    public required long TotalSizeBytes { get; init; }

    /// <summary><see cref="TotalSizeBytes"/> in units of 1,024 bytes, rounded up.</summary>
    [JsonPropertyName("total_size_kb")]
    public long TotalSizeKb => (TotalSizeBytes + 1023) / 1024;

    /// <summary>The part of <see cref="TotalSizeBytes"/> that has expired.</summary>
    [JsonPropertyName("expired_size_bytes")]
    public required long ExpiredSizeBytes { get; init; }

    /// <summary>Whether the figures above are counted rather than estimated.</summary>
    [JsonPropertyName("is_exact")]
    public required bool IsExact { get; init; }

    /// <summary>What the table takes on disk: heap, large values, index, and the free space in them.</summary>
    [JsonPropertyName("table_bytes")]
    public required long TableBytes { get; init; }

    /// <summary>Row versions that wait for VACUUM, as PostgreSQL estimates them.</summary>
    [JsonPropertyName("dead_rows")]
    public required long DeadRows { get; init; }

    /// <summary>The part of all updates, since PostgreSQL's statistics began, that left the index alone. 0 to 1; null before the first.</summary>
    [JsonPropertyName("hot_ratio")]
    public required double? HotRatio { get; init; }
}
