using System.ComponentModel.DataAnnotations;

namespace AuthService.Features.Authorization;

/// <summary>How long rights, roles and sessions are answered from memory. Section <c>PermissionCache</c>; checked at start.</summary>
internal sealed class PermissionCacheOptions
{
    /// <summary>Whether rights are kept in memory; default true. False asks the database every time: to see what the cache is worth.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// How long an entry lives. Not how long it may be wrong: what was revoked is refused at once on every node. 1 s to 15 min; default 300 s (the
    /// shipped files: 60 s in development, 600 s in production).
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:15:00")]
    public TimeSpan TimeToLive { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Accounts whose rights are loaded before the node says that it is ready: those that signed in last. 0 to 1,000,000; default 10,000.</summary>
    [Range(0, 1_000_000)]
    public int WarmUpUsers { get; set; } = 10_000;

    /// <summary>How long that may take; then the node is ready without the rest. 0 s to 1 min; default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan WarmUpTime { get; set; } = TimeSpan.FromSeconds(2);
}
