using System.Diagnostics.Metrics;
using SolidCache;

namespace AuthService.Features.Authorization;

/// <summary>How often rights are answered from memory. Meter <c>AuthService</c>; in Prometheus' form the names of the counters end in <c>_total</c>.</summary>
internal static class RightsTelemetry
{
    private static readonly Meter Meter = new("AuthService");
    private static readonly EventCounter HitsOf = EventCounter.CreateBy(Meter, "permissions_cache_hits", "{question}", "Questions for somebody's rights that a tier answered.", "tier", Rights.Memory)[0];
    private static readonly EventCounter MissesOf = EventCounter.CreateBy(Meter, "permissions_cache_misses", "{question}", "Questions for somebody's rights that a tier could not answer.", "tier", Rights.Memory)[0];
    private static readonly KeyValuePair<string, object?> Memory = new("tier", Rights.Memory);

    static RightsTelemetry() => Meter.CreateObservableGauge(
        "permissions_cache_hit_ratio", () => new Measurement<double>(HitRatio, Memory), description: "Share of the questions that a tier answered, since the start: 0 to 1.");

    /// <summary>Since the start.</summary>
    public static (long Hits, long Misses) Counts => (HitsOf.Count, MissesOf.Count);

    /// <summary>0 to 1; 0 before the first question.</summary>
    public static double HitRatio => HitsOf.Count is var hits and > 0 ? (double)hits / (hits + MissesOf.Count) : 0;

    public static void Hit() => Hits(1);

    public static void Hits(int count) => HitsOf.Add(count);

    public static void Miss() => MissesOf.Add();
}
