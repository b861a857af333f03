using System.ComponentModel.DataAnnotations;

namespace AuthService.Client;

/// <summary>What to make invalid on every node. Body of <c>POST /admin/cache/invalidate</c>; exactly one member is set.</summary>
public sealed record InvalidateRequest
{
    /// <summary>All that is cached of one account: rights, sessions, profile.</summary>
    [Range(1, long.MaxValue, ErrorMessage = FieldCodes.Range)]
    public long? UserId { get; init; }

    /// <summary>What a role permits, and who holds it: in one step, however many do.</summary>
    [Range(1, long.MaxValue, ErrorMessage = FieldCodes.Range)]
    public long? RoleId { get; init; }

    /// <summary>Whatever goes by a tag, or stands under a key.</summary>
    [StringLength(1024, MinimumLength = 1, ErrorMessage = FieldCodes.Length)]
    public string? Tag { get; init; }

    /// <summary>Whatever stands under keys that begin like this.</summary>
    [StringLength(1024, MinimumLength = 1, ErrorMessage = FieldCodes.Length)]
    public string? Prefix { get; init; }

    /// <summary>What has happened, such as <c>user.updated:42</c>: makes invalid what that makes invalid.</summary>
    [StringLength(256, MinimumLength = 1, ErrorMessage = FieldCodes.Length)]
    public string? Event { get; init; }

    /// <summary>Everything.</summary>
    public bool? All { get; init; }
}

/// <summary>What a node has in memory, compared with the database. Answer of <c>POST /admin/cache/verify</c>.</summary>
/// <param name="Compared">Accounts whose rights were compared.</param>
/// <param name="Different">Accounts whose rights in memory are wrong: always none, or something is broken.</param>
/// <param name="Examples">Some of them.</param>
public sealed record CacheComparison(long Compared, long Different, IReadOnlyList<long> Examples);

/// <summary>What to look at. Body of <c>POST /admin/cache/inspect</c>.</summary>
public sealed record InspectRequest
{
    /// <summary>The key of an entry, such as <c>permissions:user:42</c>.</summary>
    [Required(ErrorMessage = FieldCodes.Required)]
    [StringLength(1024, MinimumLength = 1, ErrorMessage = FieldCodes.Length)]
    public string Key { get; init; } = "";
}

/// <summary>What every tier of a node has under one key. Answer of <c>POST /admin/cache/inspect</c>.</summary>
/// <param name="Key">The key.</param>
/// <param name="Tiers">Memory, Redis where there is one, PostgreSQL.</param>
public sealed record CacheEntryView(string Key, IReadOnlyList<CacheTierView> Tiers);

/// <summary>An entry in one tier.</summary>
/// <param name="Tier"><c>memory</c>, <c>redis</c> or <c>postgres</c>.</param>
/// <param name="State"><c>good</c>, <c>absent</c>, <c>expired</c>, <c>outdated</c>, <c>forged</c>, <c>unreadable</c> or <c>away</c>.</param>
/// <param name="AgeSeconds">Since it was loaded; null: there is none.</param>
/// <param name="SecondsLeft">Of its life; null: there is none.</param>
/// <param name="Tags">What it goes by.</param>
/// <param name="Text">The entry as it stands there, where that is text.</param>
public sealed record CacheTierView(string Tier, string State, double? AgeSeconds, double? SecondsLeft, IReadOnlyList<CacheTagView> Tags, string? Text);

/// <summary>A tag of an entry.</summary>
/// <param name="Hash">The first 16 hexadecimal digits of the SHA-256 of its name.</param>
/// <param name="Stamp">Its version when the entry was loaded.</param>
/// <param name="Version">Its version now; 0: never made invalid, or long ago.</param>
public sealed record CacheTagView(string Hash, long Stamp, long Version);

/// <summary>What the table of the cache holds. Answer of <c>GET /metrics/solid-cache</c>. Counted below some 100,000 entries, estimated above.</summary>
/// <param name="TotalEntries">Rows, the expired among them included.</param>
/// <param name="ExpiredEntries">Rows that have expired and wait to be deleted; they are never served.</param>
/// <param name="TotalSizeBytes">What all rows weigh: value, key, and 128 bytes for the row.</param>
/// <param name="TotalSizeKb">The same in units of 1,024 bytes, to a tenth.</param>
public sealed record SolidCacheFigures(long TotalEntries, long ExpiredEntries, long TotalSizeBytes, double TotalSizeKb);

/// <summary>Answer of <c>POST /admin/cache/cleanup</c>.</summary>
/// <param name="Deleted">Expired entries that were deleted.</param>
/// <param name="Complete">False: a minute was not enough, ask again.</param>
public sealed record CleanUpResult(long Deleted, bool Complete);
