using System.Text.Json;
using System.Text.Json.Serialization;

namespace AuthService.LoadTest;

/// <summary>What a load found. Times in milliseconds.</summary>
/// <param name="Rate">Requests a second that were asked for.</param>
/// <param name="Reached">Requests a second that were sent and came to an end, over all the time it took.</param>
/// <param name="Seconds">For how long requests were due.</param>
/// <param name="TookSeconds">Until the last one ended.</param>
/// <param name="All">All kinds together.</param>
internal sealed record LoadReport(
    double Rate, double Reached, double Seconds, double TookSeconds, int Connections, KindReport All, IReadOnlyList<KindReport> Kinds, GeneratorReport Generator);

/// <summary>The requests of one kind.</summary>
/// <param name="Requests">How many were due: the sum of <paramref name="Outcomes"/>.</param>
/// <param name="Errors">Those of them that were not answered 2xx.</param>
/// <param name="Outcomes">How many by what became of them: a status, or <c>timeout</c>, <c>connection_error</c> …, <c>not_sent</c>.</param>
/// <param name="Latency">From when a request was due until its answer was read.</param>
/// <param name="FromSending">The same from when it was sent: what a client sees that never waits for its turn.</param>
internal sealed record KindReport(
    string Kind, long Requests, long Errors, IReadOnlyDictionary<string, long> Outcomes, LatencyReport Latency, LatencyReport FromSending);

/// <summary>Percentiles, in milliseconds.</summary>
internal sealed record LatencyReport(double P50, double P90, double P99, [property: JsonPropertyName("p99_9")] double P999, double Max);

/// <summary>Whether the generator did what it should.</summary>
/// <param name="LateP50">How long after its time a request was sent for which a connection was free: the generator's own fault.</param>
/// <param name="FoundAllBusy">Requests that had to wait because every connection had one under way.</param>
/// <param name="LongestWait">The longest of these waits.</param>
/// <param name="Processors">Processors the generator kept busy.</param>
internal sealed record GeneratorReport(double LateP50, double LateP99, double LateMax, long FoundAllBusy, double LongestWait, double Processors)
{
    /// <summary>In milliseconds.</summary>
    public const double Bearable = 10;

    /// <summary>Whether the load was the one asked for: 99 of a hundred requests that could be sent in time were, within 10 ms.</summary>
    public bool KeptSchedule => LateP99 <= Bearable;
}

/// <summary>How a report is written to a file.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.General, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(LoadReport))]
internal sealed partial class LoadReportJson : JsonSerializerContext;
