using System.Text.Json.Serialization;

namespace AuthService.Health;

internal sealed record HealthStatus(string Status);

internal sealed record HealthReport(string Status, HealthServices Services);

internal sealed record HealthServices(DatabaseHealth Database, HealthStatus Replica, HealthStatus Redis);

internal sealed record DatabaseHealth(bool Healthy);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthReport))]
[JsonSerializable(typeof(HealthStatus))]
internal sealed partial class HealthJson : JsonSerializerContext;
