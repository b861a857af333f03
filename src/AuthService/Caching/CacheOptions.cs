using System.ComponentModel.DataAnnotations;

namespace AuthService.Caching;

/// <summary>What the cache may hold. Section <c>SolidCache</c>; checked at start.</summary>
internal sealed class CacheOptions
{
    /// <summary>What a node keeps in memory at most. 1 MiB to 64 GiB; default 512 MiB. Some 500 bytes an account, and as many a session.</summary>
    [Range(1L << 20, 64L << 30)]
    public long MemoryMaxBytes { get; set; } = 512L << 20;

    /// <summary>What the entries in PostgreSQL may weigh together. 1 MiB and up; none: no bound.</summary>
    [Range(1L << 20, long.MaxValue)]
    public long? MaxBytes { get; set; }

    /// <summary>Put before every key in Redis, for a server that others use as well. At most 128 characters; default none.</summary>
    [StringLength(128)]
    public string? RedisKeyPrefix { get; set; }

    /// <summary>How often expired entries are deleted from PostgreSQL, by one node. Zero: never; else 1 s to 1 d; default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan CleanupInterval { get; set; } = TimeSpan.FromHours(1);
}
