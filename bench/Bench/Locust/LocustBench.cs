using System.Globalization;
using Spectre.Console;
using static Bench.Figures;

namespace Bench.Locust;

/// <summary>
/// The pool under many people: each signs in once and then refreshes with a second or two in between (<c>bench/load/locustfile.py</c>), at two sizes of the pool and
/// with five times as many people. Then a pool that is truly exhausted (<see cref="Exhaustion"/>).
/// </summary>
internal static class LocustBench
{
    private const int Users = 2_000;
    private const int Seconds = 60;

    /// <summary>A log-in costs a core some 20 ms: more of them a second would measure the hash.</summary>
    private const int LogInsPerSecond = 10;

    private static readonly (int People, int Pool)[] Runs = [(100, 20), (100, 50), (500, 50)];

    public static async Task<int> RunAsync()
    {
        await using var target = await Target.CreateAsync(Users);
        var table = new Table().AddColumns("people", "pool", "what", "requests", "failed", "told to come again", "per second", "mean ms", "p50 ms", "p99 ms", "longest ms");
        var failed = 0L;
        var first = 1;
        foreach (var (people, pool) in Runs)
        {
            foreach (var row in await MeasureAsync(target, people, pool, first))
            {
                table.AddRow(Text($"{people}"), Text($"{pool}"), row.Name, Text($"{row.Requests:N0}"), Text($"{row.Failed:N0}"), Text($"{row.ToldWhen:N0}"), Text($"{row.PerSecond:F1}"), Text($"{row.Mean:F1}"), Text($"{row.P50:F0}"), Text($"{row.P99:F0}"), Text($"{row.Longest:F0}"));
                failed += row.Failed;
            }

            first += people;
        }

        Tables.Write(table);
        var held = await Exhaustion.RunAsync(target);
        return failed == 0 && held ? 0 : 1;
    }

    private static async Task<IReadOnlyList<LocustRow>> MeasureAsync(Target target, int people, int pool, int first)
    {
        await using var service = await target.StartAsync(("Database__PoolMaximum", Text($"{pool}")));
        var files = target.InFolder(Text($"locust-{people}-{pool}"));
        string[] arguments =
        [
            "-f", Path.Combine("bench", "load", "locustfile.py"), "--headless", "--only-summary", "--host", service.Address.ToString().TrimEnd('/'),
            "-u", Text($"{people}"), "-r", Text($"{LogInsPerSecond}"), "-t", Text($"{people / LogInsPerSecond + Seconds}s"), "--csv", files, "--exit-code-on-error", "0",
        ];
        await using var locust = ChildProcess.Start("locust", arguments, [new("PASSWORD", Target.Password), new("FIRST", Text($"{first}"))]);
        if (await locust.EndAsync() is not 0) throw new InvalidOperationException("locust failed. " + locust.LastWords);
        var reasons = await File.ReadAllLinesAsync(files + "_failures.csv");
        return [.. LocustRow.Read(await File.ReadAllLinesAsync(files + "_stats.csv"), reasons).Where(row => row.Name is "log-in" or "refresh")];
    }

    /// <summary>One line of locust's own summary. Times in milliseconds, from the first request of its kind to the end of the run.</summary>
    /// <param name="Failed">With any other answer than 200 or 503 with <c>Retry-After</c>.</param>
    /// <param name="ToldWhen">With 503 and <c>Retry-After</c>: a log-in while too many wait for a hash. The same person comes again.</param>
    private sealed record LocustRow(string Name, long Requests, long Failed, long ToldWhen, double PerSecond, double Mean, double P50, double P99, double Longest)
    {
        public static IEnumerable<LocustRow> Read(string[] lines, string[] reasons)
        {
            var columns = lines[0].Split(',');
            foreach (var line in lines.Skip(1))
            {
                // No name of ours has a comma.
                var cells = line.Split(',');
                double Number(string column) => double.Parse(cells[Array.IndexOf(columns, column)], CultureInfo.InvariantCulture);
                var name = cells[Array.IndexOf(columns, "Name")];
                // Method, name, reason, how often; the reason has commas of its own.
                var told = reasons.Where(r => r.Split(',')[1] == name && r.Contains("503, told when", StringComparison.Ordinal)).Sum(r => long.Parse(r.Split(',')[^1], CultureInfo.InvariantCulture));
                yield return new LocustRow(name, (long)Number("Request Count"), (long)Number("Failure Count") - told, told, Number("Requests/s"),
                    Number("Average Response Time"), Number("50%"), Number("99%"), Number("Max Response Time"));
            }
        }
    }
}
