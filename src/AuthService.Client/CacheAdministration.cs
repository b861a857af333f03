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
