using System.ComponentModel.DataAnnotations;

namespace AuthService.Caching;

/// <summary>How nodes learn what became invalid: docs/cache/freshness.md. Section <c>Freshness</c>; checked at start.</summary>
internal sealed class FreshnessOptions
{
    /// <summary>
    /// How long a node answers without PostgreSQL, and how long a change waits for a node that died. 200 ms to 60 s; default 2 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.200", "00:01:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a node asks what became invalid, where no notification made it ask sooner. 5 ms to 10 s, at most a quarter of the lease; default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.005", "00:00:10")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long changes are remembered; nothing stays in memory for longer. 5 s to 1 d; default 20 min.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "1.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromMinutes(20);

    /// <summary>
    /// Whether a lease rests on a durable heartbeat rather than on a read; default false. With synchronous replication this fences a deposed primary.
    /// </summary>
    public bool LeaseByHeartbeat { get; set; }
}
