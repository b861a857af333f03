using System.Text.Json.Serialization;

namespace AuthService.Health;

internal sealed record HealthStatus(string Status);

internal sealed record HealthReport(string Status, HealthServices Services);

internal sealed record HealthServices(DatabaseHealth Database, HealthStatus Redis, SolidCacheHealth SolidCache);

internal sealed record DatabaseHealth(bool Healthy, PoolsHealth Pools);

/// <param name="Replica"><c>disabled</c> where none is configured.</param>
internal sealed record PoolsHealth(PoolHealth Primary, PoolHealth Replica);

/// <param name="Size">Connections of this node that are open.</param>
/// <param name="Free">Of these, those nobody uses.</param>
internal sealed record PoolHealth(string Status, int Size, int Free);

/// <summary>Figures as of at most <see cref="CacheLook.KeptFor"/> ago; null with the status <c>unhealthy</c> while the table can't be read.</summary>
internal sealed record SolidCacheHealth(string Status, long? TotalEntries, long? ExpiredEntries, double? TotalSizeKb);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthReport))]
[JsonSerializable(typeof(HealthStatus))]
internal sealed partial class HealthJson : JsonSerializerContext;
