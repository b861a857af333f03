using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace AuthService.Telemetry;

/// <summary>
/// Which instruments are kept, and how: of ours all, of the runtime's, the web server's and the driver's those an operator has use for. docs/operate/metrics.md lists
/// the lot, and a test compares.
/// </summary>
/// <remarks>Every series has a place from the start on, so the limits are what telemetry takes in memory: a kilobyte for some ten of them.</remarks>
internal static class Measured
{
    private const int FewSeries = 32, SomeSeries = 128, ManySeries = 1024;

    private static readonly double[] Seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private static readonly double[] RequestSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private static readonly double[] Counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
    private static readonly double[] Bytes = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

    private static readonly Dictionary<string, MetricStreamConfiguration> OfOthers = new(StringComparer.Ordinal)
    {
        // By the route's pattern and never by the path: what nobody has a route for is one series.
        ["http.server.request.duration"] = Histogram(RequestSeconds, ManySeries, "http.request.method", "http.route", "http.response.status_code"),
        ["http.server.active_requests"] = Sum(),
        ["kestrel.active_connections"] = Sum(),
        ["db.client.operation.duration"] = Histogram(Seconds, FewSeries, "db.client.connection.pool.name"),
        ["db.client.connection.npgsql.timeouts"] = Sum("db.client.connection.pool.name"),
        ["dotnet.process.cpu.time"] = Sum("cpu.mode"),
        ["dotnet.process.memory.working_set"] = Sum(),
        ["dotnet.gc.collections"] = Sum("gc.heap.generation"),
        ["dotnet.gc.pause.time"] = Sum(),
        ["dotnet.gc.heap.total_allocated"] = Sum(),
        ["dotnet.gc.last_collection.memory.committed_size"] = Sum(),
        ["dotnet.thread_pool.thread.count"] = new() { Name = "dotnet.thread_pool.threads", CardinalityLimit = FewSeries, TagKeys = [] },   // in Prometheus only a histogram may end in _count
        ["dotnet.thread_pool.queue.length"] = Sum(),
        ["dotnet.monitor.lock_contentions"] = Sum(),
        ["dotnet.exceptions"] = Sum("error.type"),
    };

    public static readonly string[] Meters = ["AuthService*", "SolidCache", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Npgsql", "System.Runtime"];

    /// <summary>Whether a sum goes up only. The runtime calls two counters that aren't.</summary>
    public static bool IsCounter(string name, MetricType type) =>
        type is MetricType.LongSum or MetricType.DoubleSum && name is not ("dotnet.thread_pool.threads" or "dotnet.thread_pool.queue.length");

    public static MetricStreamConfiguration As(Instrument instrument)
    {
        if (!IsOurs(instrument.Meter)) return OfOthers.GetValueOrDefault(instrument.Name, MetricStreamConfiguration.Drop);
        if (!IsHistogram(instrument)) return new MetricStreamConfiguration { CardinalityLimit = FewSeries };
        var boundaries = instrument.Unit switch { "s" => Seconds, "By" => Bytes, _ => Counts };
        return new ExplicitBucketHistogramConfiguration { Boundaries = boundaries, CardinalityLimit = SomeSeries };
    }

    private static bool IsOurs(Meter meter) => meter.Name == "SolidCache" || meter.Name.StartsWith("AuthService", StringComparison.Ordinal);

    private static bool IsHistogram(Instrument instrument) => instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Histogram<>);

    private static ExplicitBucketHistogramConfiguration Histogram(double[] boundaries, int series, params string[] labels) =>
        new() { Boundaries = boundaries, CardinalityLimit = series, TagKeys = labels };

    private static MetricStreamConfiguration Sum(params string[] labels) => new() { CardinalityLimit = FewSeries, TagKeys = labels };
}
