namespace AuthService.Client;

/// <summary>One change to an account or to who may do what: the data of an event <c>change</c> of <c>GET /api/v1/events</c>.</summary>
public sealed record ChangeEvent
{
    /// <summary>Its own number: who is sent it twice knows it by this. No order: numbers are given before transactions commit.</summary>
    public required long Id { get; init; }

    /// <summary>When it was made, by the database's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Such as <c>role.granted</c>; docs/events.md has them all. Pass over those you don't know.</summary>
    public required string Kind { get; init; }

    /// <summary>Number of the account, where it is about one.</summary>
    public long? UserId { get; init; }

    /// <summary>Number of the role, where it is about one.</summary>
    public long? RoleId { get; init; }

    /// <summary>Number of the permission, where it is about one.</summary>
    public long? PermissionId { get; init; }

    /// <summary>The session, where it is about one.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>Name of the role or permission at the time.</summary>
    public string? Name { get; init; }
}
