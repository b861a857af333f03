using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;

namespace Bench.Soak;

/// <summary>A node at one moment of a soak.</summary>
/// <param name="Seconds">Since the soak began.</param>
/// <param name="HeapMiB">Managed memory; null where the node does not tell.</param>
/// <param name="CacheMiB">What the entries in its memory weigh, up to the bound it was given; likewise.</param>
/// <param name="Collections">Garbage collections since the node started; likewise.</param>
internal sealed record NodeSample(double Seconds, double ResidentMiB, int Threads, long Connections, double? HeapMiB, double? CacheMiB, double? Collections);

/// <summary>Looks at a node every few seconds: at its process from outside, at its connections in the database, and at what it tells of itself.</summary>
internal sealed class NodeSamples(Target target, ServerProcess node, Func<string> administrator)
{
    private const double MiB = 1024 * 1024;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly List<NodeSample> _taken = [];

    public IReadOnlyList<NodeSample> Taken => _taken;

    /// <summary>Until told to stop.</summary>
    public async Task TakeAsync(CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(Interval, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                var sample = await TakeOneAsync(Stopwatch.GetElapsedTime(began).TotalSeconds);
                _taken.Add(sample);
                Console.WriteLine(Figures.Text($"{sample.Seconds,6:F0} s  {sample.ResidentMiB,7:F1} MiB  heap {Told(sample.HeapMiB)} MiB  cache {Told(sample.CacheMiB)} MiB  collections {Told(sample.Collections)}  {sample.Threads} threads  {sample.Connections} connections"));
            }
        }
        catch (OperationCanceledException)
        {
            // The load is over.
        }
    }

    /// <summary>What the node tells at /metrics, summed over labels; empty where it tells nothing.</summary>
    public async Task<IReadOnlyDictionary<string, double>> ReadMetricsAsync()
    {
        var told = new Dictionary<string, double>(StringComparer.Ordinal);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/metrics", UriKind.Relative));
        request.Headers.Authorization = AuthenticationHeaderValue.Parse(administrator());
        using var answer = await node.Http.SendAsync(request);
        if (!answer.IsSuccessStatusCode) return told;
        foreach (var line in (await answer.Content.ReadAsStringAsync()).Split('\n'))
        {
            if (line.StartsWith('#') || line.IndexOfAny(['{', ' ']) is not (> 0 and var end)) continue;
            var value = line[(line.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[line.Contains('}', StringComparison.Ordinal) ? 0 : 1];
            if (double.TryParse(value, CultureInfo.InvariantCulture, out var number)) told[line[..end]] = told.GetValueOrDefault(line[..end]) + number;
        }

        return told;
    }

    private async Task<NodeSample> TakeOneAsync(double seconds)
    {
        var metrics = await ReadMetricsAsync();
        var connections = await target.ReadAsync<long>("SELECT /* Bench */ count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        return new NodeSample(seconds, node.ResidentBytes() / MiB, node.Threads(), connections,
            Of("dotnet_gc_last_collection_memory_committed_size_bytes") / MiB, Of("solid_cache_memory_size_bytes") / MiB, Of("dotnet_gc_collections_total"));

        double? Of(string name) => metrics.TryGetValue(name, out var number) ? number : null;
    }

    private static string Told(double? number) => number is { } n ? Figures.Text($"{n:F0}") : "not told";
}
