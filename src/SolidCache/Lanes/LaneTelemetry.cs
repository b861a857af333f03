using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SolidCache.Lanes;

/// <summary>What the lanes report; part of the meter <c>SolidCache</c>.</summary>
internal static class LaneTelemetry
{
    private const int MaxLinks = 16;

    private static readonly Meter Meter = new("SolidCache");

    private static readonly Histogram<int> BatchSize = Meter.CreateHistogram<int>(
        "solid_cache.lane.batch_size", "{request}", "Callers answered by one round trip.");

    private static readonly Histogram<double> QueueTime = Meter.CreateHistogram<double>(
        "solid_cache.lane.queue_time", "s", "How long the first caller of a batch waited for its turn.");

    /// <summary>The round trip as a part of the first traced caller's trace; those of the others are linked. Null where nobody listens.</summary>
    public static Activity? StartActivity<TRequest, TResult>(string statement, List<LaneRequest<TRequest, TResult>> requests)
    {
        if (!CacheTelemetry.Activities.HasListeners()) return null;
        var traced = requests.Select(request => request.Trace).OfType<Activity>().Where(trace => trace.Recorded).Take(MaxLinks + 1).ToArray();
        if (traced.Length == 0) return null;
        var links = traced.Skip(1).Select(trace => new ActivityLink(trace.Context));
        var activity = CacheTelemetry.Activities.StartActivity("solid_cache.lane", ActivityKind.Internal, traced[0].Context, links: links);
        activity?.SetTag("solid_cache.statement", statement).SetTag("solid_cache.batch_size", requests.Count);
        return activity;
    }

    public static void Batch(string statement, int size, TimeSpan queued)
    {
        if (!BatchSize.Enabled && !QueueTime.Enabled) return;
        var tag = new KeyValuePair<string, object?>("statement", statement);
        BatchSize.Record(size, tag);
        QueueTime.Record(queued.TotalSeconds, tag);
    }
}
