using Bench.Http;
using Bench.Report;

namespace Bench.Suite;

/// <summary>One node to four on one database and one machine: what a change waits for, and whether nodes hold each other up.</summary>
internal static class NodesGrowth
{
    private const int MostNodes = 4;
    private const int Changes = 200;
    private const int Seconds = 1;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);   // what warms a node has let it settle

    public static async Task RunAsync(Scene scene, SuiteReport report)
    {
        var waits = report.Add(new Curve("nodes-grant", "A grant or a revocation until 2xx, by nodes", "nodes", "ms"));
        var checks = report.Add(new Curve("nodes-checks", "Checks of all nodes together, on one machine", "nodes", "requests per second"));
        var access = await scene.AccessTokensAsync();
        var others = new List<ServerProcess>();
        try
        {
            for (var count = 1; count <= MostNodes; count++)
            {
                if (count > 1) others.Add(await scene.Target.StartAsync());
                ServerProcess[] nodes = [scene.Service, .. others];
                await Scene.WarmAsync(nodes[^1], access);
                var times = await GrantPart.TimesMsAsync(scene, Changes, Rest, nodes);
                waits.Add("p50", count, Figures.Median(times));
                waits.Add("p99", count, Figures.Percentile(times, 0.99));
                var rates = new List<double>();
                for (var round = 0; round < Scene.CurveRounds; round++)
                {
                    var runs = await Task.WhenAll(nodes.Select(node => Wrk.RunAsync(node.Address, "check.lua", Scene.Connections, Seconds, ("ACCESS", access))));
                    rates.Add(runs.Sum(r => r.PerSecond));
                }

                checks.Add("all nodes", count, Figures.Median(rates));
                checks.Add("each node", count, Figures.Median(rates) / count);
            }
        }
        finally
        {
            foreach (var node in others) await node.DisposeAsync();
        }
    }
}
