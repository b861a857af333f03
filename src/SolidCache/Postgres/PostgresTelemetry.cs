using System.Diagnostics.Metrics;

namespace SolidCache.Postgres;

/// <summary>What the PostgreSQL tier reports; part of the meter <c>SolidCache</c>.</summary>
internal static class PostgresTelemetry
{
    private static readonly Meter Meter = new("SolidCache");

    private static readonly Counter<long> Reads = Meter.CreateCounter<long>(
        "solid_cache.postgres.reads", "{read}", "Reads of IDistributedCache by outcome: hit, miss, failure.");

    private static readonly Counter<long> Writes = Meter.CreateCounter<long>(
        "solid_cache.postgres.writes", "{write}", "Writes, removals and slides of IDistributedCache by outcome: done, failure.");

    private static readonly KeyValuePair<string, object?> Hit = new("outcome", "hit");
    private static readonly KeyValuePair<string, object?> Miss = new("outcome", "miss");
    private static readonly KeyValuePair<string, object?> Done = new("outcome", "done");
    private static readonly KeyValuePair<string, object?> Failure = new("outcome", "failure");

    public static void Read(bool hit) => Reads.Add(1, hit ? Hit : Miss);

    public static void Write() => Writes.Add(1, Done);

    public static void ReadFailed() => Reads.Add(1, Failure);

    public static void WriteFailed() => Writes.Add(1, Failure);
}
