using System.Diagnostics.Metrics;

namespace AuthService.Features.Authorization;

/// <summary>How often rights are answered from memory. Meter <c>AuthService</c>; in Prometheus' form the names end in <c>_total</c>.</summary>
internal static class RightsTelemetry
{
    private static readonly Meter Meter = new("AuthService");
    private static readonly Counter<long> HitsOf = Meter.CreateCounter<long>("permissions_cache_hits", description: "Questions for somebody's rights that a tier answered.");
    private static readonly Counter<long> MissesOf = Meter.CreateCounter<long>("permissions_cache_misses", description: "Questions for somebody's rights that a tier could not answer.");
    private static readonly KeyValuePair<string, object?> Memory = new("tier", Rights.Memory);

    public static void Hit() => HitsOf.Add(1, Memory);
    public static void Hits(int count) => HitsOf.Add(count, Memory);
    public static void Miss() => MissesOf.Add(1, Memory);
}
