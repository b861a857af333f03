using System.Diagnostics.Metrics;

namespace AuthService.Features.Authorization;

/// <summary>How often rights are answered from memory. Meter <c>AuthService</c>; in Prometheus' form the names of the counters end in <c>_total</c>.</summary>
internal static class RightsTelemetry
{
    private static readonly Meter Meter = new("AuthService");
    private static readonly Counter<long> HitsOf = Meter.CreateCounter<long>("permissions_cache_hits", description: "Questions for somebody's rights that a tier answered.");
    private static readonly Counter<long> MissesOf = Meter.CreateCounter<long>("permissions_cache_misses", description: "Questions for somebody's rights that a tier could not answer.");
    private static readonly KeyValuePair<string, object?> Memory = new("tier", Rights.Memory);

    // A cache line each, by thread: one count for all would go from core to core at every check.
    private const int Cells = 16, CellSize = 8;
    private static readonly long[] HitsByThread = new long[Cells * CellSize];
    private static long _misses;

    static RightsTelemetry() => Meter.CreateObservableGauge(
        "permissions_cache_hit_ratio", () => new Measurement<double>(HitRatio, Memory), description: "Share of the questions that a tier answered, since the start: 0 to 1.");

    /// <summary>0 to 1; 0 before the first question.</summary>
    public static double HitRatio => HitsByThread.Sum() is var hits and > 0 ? (double)hits / (hits + Interlocked.Read(ref _misses)) : 0;

    public static void Hit() => Hits(1);

    public static void Hits(int count)
    {
        Interlocked.Add(ref HitsByThread[Environment.CurrentManagedThreadId % Cells * CellSize], count);
        HitsOf.Add(count, Memory);
    }

    public static void Miss()
    {
        Interlocked.Increment(ref _misses);
        MissesOf.Add(1, Memory);
    }
}
