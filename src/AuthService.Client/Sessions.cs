namespace AuthService.Client;

/// <summary>One sign-in of an account that still lives.</summary>
public sealed record SessionInfo
{
    /// <summary>Number of the session (UUIDv7); not a secret.</summary>
    public required Guid Id { get; init; }

    /// <summary>True for the session this request was made in.</summary>
    public required bool IsCurrent { get; init; }

    /// <summary>When the user signed in.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its tokens were last renewed.</summary>
    public required DateTimeOffset RefreshedAt { get; init; }

    /// <summary>When it ends unless its tokens are renewed.</summary>
    public required DateTimeOffset IdleExpiresAt { get; init; }

    /// <summary>When it ends in any case.</summary>
    public required DateTimeOffset AbsoluteExpiresAt { get; init; }

    /// <summary>Address it was started from.</summary>
    public string? Ip { get; init; }

    /// <summary>Client it was started with, up to 256 characters.</summary>
    public string? UserAgent { get; init; }
}
