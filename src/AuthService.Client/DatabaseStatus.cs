namespace AuthService.Client;

/// <summary>One node's view of its database. Answer of <c>GET /admin/db-status</c>.</summary>
public sealed record DatabaseStatus
{
    /// <summary>Connections to the primary, without those of the cache.</summary>
    public required PoolStatus Primary { get; init; }

    /// <summary>Connections to the replica, if there is one.</summary>
    public PoolStatus? Replica { get; init; }

    /// <summary><c>disabled</c>, <c>healthy</c>, or <c>unhealthy</c>: then lists are read from the primary.</summary>
    public required string ReplicaStatus { get; init; }

    /// <summary>Nodes that share the primary, as far as this one has heard.</summary>
    public required int Nodes { get; init; }

    /// <summary>What they may need together: nodes × (pool + lanes + 6) + 20.</summary>
    public required int ConnectionsNeeded { get; init; }

    /// <summary>What the primary says; null if it didn't within 2 s, as when no connection is free.</summary>
    public ServerConnections? Server { get; init; }
}

/// <summary>Connections of a server.</summary>
public sealed record ServerConnections
{
    /// <summary>What it allows: its setting <c>max_connections</c>.</summary>
    public required int Max { get; init; }

    /// <summary>Of these, those it keeps for superusers.</summary>
    public required int Reserved { get; init; }

    /// <summary>What it has now, of all clients.</summary>
    public required long Open { get; init; }
}

/// <summary>A pool of connections.</summary>
public sealed record PoolStatus
{
    /// <summary>Connections that are open.</summary>
    public required int Size { get; init; }

    /// <summary>Of these, those that nobody uses.</summary>
    public required int Free { get; init; }

    /// <summary>Callers that wait for one.</summary>
    public required int Waiting { get; init; }

    /// <summary>Kept open once opened.</summary>
    public required int Min { get; init; }

    /// <summary>At most.</summary>
    public required int Max { get; init; }
}
