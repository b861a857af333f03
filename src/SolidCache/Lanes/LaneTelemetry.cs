using System.Diagnostics.Metrics;

namespace SolidCache.Lanes;

/// <summary>What the lanes report; part of the meter <c>SolidCache</c>.</summary>
internal static class LaneTelemetry
{
    private static readonly Meter Meter = new("SolidCache");

    private static readonly Histogram<int> BatchSize = Meter.CreateHistogram<int>(
        "solid_cache.lane.batch_size", "{request}", "Callers answered by one round trip.");

    private static readonly Histogram<double> QueueTime = Meter.CreateHistogram<double>(
        "solid_cache.lane.queue_time", "s", "How long the first caller of a batch waited for its turn.");

    public static void Batch(string statement, int size, TimeSpan queued)
    {
        if (!BatchSize.Enabled && !QueueTime.Enabled) return;
        var tag = new KeyValuePair<string, object?>("statement", statement);
        BatchSize.Record(size, tag);
        QueueTime.Record(queued.TotalSeconds, tag);
    }
}
