namespace AuthService.Client;

/// <summary>One event of the audit trail: an entry of <c>GET /api/v1/audit-events</c>. docs/audit.md has the types.</summary>
public sealed record AuditEventInfo
{
    /// <summary>Its own number.</summary>
    public required Guid Id { get; init; }

    /// <summary>When it happened, by the database's clock.</summary>
    public required DateTimeOffset Ts { get; init; }

    /// <summary>Such as <c>authz_change</c>. New ones come: pass over those you don't know.</summary>
    public required string Type { get; init; }

    /// <summary><c>user</c>, <c>anonymous</c>, <c>cli</c> or <c>system</c>.</summary>
    public required string ActorType { get; init; }

    /// <summary>Number of the account that did it; null where it was none.</summary>
    public long? ActorId { get; init; }

    /// <summary>The session the call was made in.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>Such as <c>user</c>, <c>role</c>, <c>session</c>.</summary>
    public string? TargetType { get; init; }

    /// <summary>What it was done to.</summary>
    public string? TargetId { get; init; }

    /// <summary><c>success</c> or <c>failure</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>Which kind of it.</summary>
    public string? Reason { get; init; }

    /// <summary>Names of the members that were changed; never their values.</summary>
    public IReadOnlyList<string>? Changed { get; init; }

    /// <summary>Where the call came from.</summary>
    public string? Ip { get; init; }

    /// <summary>What the client said of itself: up to 256 characters, none of them a control character.</summary>
    public string? UserAgent { get; init; }

    /// <summary>The id its answer carried.</summary>
    public string? RequestId { get; init; }

    /// <summary>The W3C trace it belongs to, where it was traced.</summary>
    public string? TraceId { get; init; }

    /// <summary>Number of its seal; null until it has one, a moment later.</summary>
    public long? Seal { get; init; }
}
