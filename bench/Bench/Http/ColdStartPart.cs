using Bench.Report;

namespace Bench.Http;

/// <summary>From the start of the process to the first 200 of <c>/health/ready</c>: on an empty database, which is migrated first, and on a full one.</summary>
internal static class ColdStartPart
{
    public const string Name = "start";

    public static async Task RunAsync(Target target, Findings report)
    {
        var (onEmpty, onFull) = (new List<double>(), new List<double>());
        for (var i = 0; i < Scene.Rounds; i++)
        {
            var empty = await target.CreateDatabaseAsync(Figures.Text($"empty_{i}"));
            await using (var node = await target.StartOnAsync(empty)) onEmpty.Add(node.StartTime.TotalMilliseconds);
            await using (var node = await target.StartAsync()) onFull.Add(node.StartTime.TotalMilliseconds);
        }

        var bar = Bar.AtMost(2_000, 1_000, " ms");
        report.Find("cold start to ready, empty database up", $"{Figures.Median(onEmpty):F0} ms", Figures.Median(onEmpty), bar);
        report.Find("cold start to ready, 100,000 accounts", $"{Figures.Median(onFull):F0} ms", Figures.Median(onFull), bar);
    }
}
