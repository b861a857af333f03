using System.Text.Json.Serialization;

namespace AuthService.Features.Status;

/// <summary>How a node is at one moment: the data of an event <c>status</c> of <c>GET /admin/status/stream</c>. Counts grow from the node's start; whoever wants a rate takes the
/// difference of two.</summary>
internal sealed record NodeStatus
{
    public required DateTimeOffset At { get; init; }
    public required NodeFacts Node { get; init; }
    public required RequestFigures Requests { get; init; }

    /// <summary>Answers by the tier that gave them: rights first, then the tiers of the cache.</summary>
    public required IReadOnlyList<TierFigures> Tiers { get; init; }

    public required FreshnessFigures Freshness { get; init; }
    public required IReadOnlyList<PoolFigures> Pools { get; init; }
    public required HashingFigures Hashing { get; init; }
    public required RedisFigures Redis { get; init; }

    /// <summary>Null where PostgreSQL did not say in time.</summary>
    public SolidCacheFigures? SolidCache { get; init; }

    /// <summary>The slowest first, by the 99th percentile of the last minute.</summary>
    public required IReadOnlyList<RouteFigures> Routes { get; init; }
}

/// <param name="Cpu">Of all processors, since the look before: 0 to 1.</param>
internal sealed record NodeFacts(string Name, string Version, DateTimeOffset StartedAt, double UptimeSeconds, double Cpu, int Processors, long WorkingSetBytes, long HeapBytes);

/// <param name="Total">Answered since somebody began to watch.</param>
/// <param name="Failed">Of these, with 5xx.</param>
/// <param name="P50Ms">Of the last minute; null: there was none.</param>
internal sealed record RequestFigures(long Total, long Failed, double? P50Ms, double? P99Ms);

internal sealed record TierFigures(string Name, long Hits, long Misses);

/// <param name="LagMs">Age of what this node knows of invalidations; null: it knows nothing.</param>
internal sealed record FreshnessFigures(double? LagMs, bool HasLease, double LeaseMs, int Nodes);

internal sealed record PoolFigures(string Name, string Status, int Size, int Free, int Waiting, int Max);

internal sealed record HashingFigures(long Hashes, int Waiting, long Refused, int Threads, int QueueLength);

/// <param name="State"><c>disabled</c>, <c>healthy</c> or <c>unhealthy</c>.</param>
internal sealed record RedisFigures(string State, string? Server, long Commands, int Depth, long TimeOuts, long Reconnects);

internal sealed record SolidCacheFigures(long Entries, long Expired, long SizeBytes, long TableBytes, bool IsExact);

/// <param name="Route">Method and template: <c>GET /api/v1/users/{id}</c>. Never a path somebody has sent.</param>
internal sealed record RouteFigures(string Route, long Count, long Failed, double P50Ms, double P99Ms, double MaxMs);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NodeStatus))]
internal sealed partial class StatusJson : JsonSerializerContext;
