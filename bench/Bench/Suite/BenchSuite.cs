using Bench.Http;
using Bench.Peers;
using Bench.Report;

namespace Bench.Suite;

/// <summary><c>./dev bench</c>: how fast the service is beside what one would use instead, how that grows, and what its parts gain. Kept in <c>bench/results</c>.</summary>
internal static class BenchSuite
{
    private const int Users = 100_000;

    public static async Task<int> RunAsync()
    {
        var commit = await Circumstances.CommitAsync();
        var name = ResultFiles.NameOf(TimeProvider.System.GetLocalNow(), commit);
        await Console.Error.WriteLineAsync(Figures.Text($"A quarter of an hour on two quiet cores; needs 3 GB of disk. The result will be {Path.Combine(ResultFiles.Folder, name)}.md."));
        var (report, steps) = (new SuiteReport(), new Steps());
        await steps.RunAsync("machine and versions", () => Circumstances.ReadMachineAsync(report.Circumstances, commit));
        await steps.RunAsync("the service and its peers", () => RunOnSceneAsync(report, steps));
        await steps.RunAsync("growth with roles and permissions", () => RightsGrowth.RunAsync(report));
        await steps.RunAsync("growth with the size of values", () => ValuesGrowth.RunAsync(report));
        await steps.RunAsync("growth with accounts", () => UsersGrowth.RunAsync(report));

        var document = report.ToDocument(name, steps);
        Screen.Write(document);
        Console.WriteLine(await ResultFiles.WriteAsync(document, name));
        return steps.Failures.Rows.Count == 0 ? 0 : 1;
    }

    private static async Task RunOnSceneAsync(SuiteReport report, Steps steps)
    {
        await using var target = await Target.CreateAsync(Users);
        await using var peers = new PeerSet(target);
        await steps.RunAsync("settings", () => Circumstances.ReadDatabaseAsync(report.Circumstances, target));
        await steps.RunAsync("cold start", () => ColdStartPart.RunAsync(target, report.Findings));
        await using var opened = await Scene.OpenAsync(target, peers, report.Findings);
        var scene = opened with { IsInDepth = false };

        // In this order: the memory of a node is that of one that has done nothing yet, and what changes roles comes last.
        await steps.RunAsync("memory", () => MemoryPart.RunAsync(scene));
        await steps.RunAsync("refresh", () => RefreshPart.RunAsync(scene));
        await steps.RunAsync("check", () => CheckPart.RunAsync(scene));
        await steps.RunAsync("log-in", () => LogInPart.RunAsync(scene));
        await steps.RunAsync("flood of log-ins", () => FloodPart.RunAsync(scene));
        await steps.RunAsync("other paths", () => PathsPart.RunAsync(scene));
        await steps.RunAsync("growth with connections", () => ConnectionsGrowth.RunAsync(scene, report));
        await steps.RunAsync("with and without the cache of rights", () => CacheGain.RunAsync(scene, report.Gains));
        await steps.RunAsync("misses", async () => report.Gains.Add(await MissPart.RunAsync(scene)));
        await steps.RunAsync("mix", async () => report.Gains.Add(await MixPart.RunAsync(scene)));
        await steps.RunAsync("growth with the pool", () => PoolGrowth.RunAsync(scene, report));
        await steps.RunAsync("grants", () => GrantPart.RunAsync(scene));
        await steps.RunAsync("growth with nodes", () => NodesGrowth.RunAsync(scene, report));
        foreach (var peer in peers.Missing) report.Circumstances.Add("left out: " + peer.Name, peer.Absence);
    }
}
