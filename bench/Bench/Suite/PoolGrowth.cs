using Bench.Http;
using Bench.Report;

namespace Bench.Suite;

/// <summary>A list is always a question to the database: 64 callers at a time, and ever more connections to serve them with.</summary>
internal static class PoolGrowth
{
    private const int Callers = 64;
    private const int Seconds = 1;
    private const int WarmUpSeconds = 5;   // the compiler's, and until every connection is open and has the statement prepared

    private static readonly int[] Pools = [5, 10, 20, 50];

    public static async Task RunAsync(Scene scene, SuiteReport report)
    {
        var administrator = await PathsPart.AdministratorAsync(scene);
        var nodes = new List<ServerProcess>();
        var series = Pools.Select(_ => new LoadSeries()).ToArray();
        try
        {
            foreach (var pool in Pools) nodes.Add(await scene.Target.StartAsync(("Database__PoolMaximum", Figures.Text($"{pool}"))));
            for (var round = -1; round < Scene.Rounds; round++)
            {
                for (var i = 0; i < nodes.Count; i++)
                {
                    var run = await Wrk.RunAsync(nodes[i].Address, "get.lua", Callers, round < 0 ? WarmUpSeconds : Seconds, ("ACCESS", administrator), ("GET_PATH", "/api/v1/users?limit=50"));
                    if (round >= 0) series[i].Add(run);
                }
            }
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }

        var rate = report.Add(new Curve("pool-rate", Figures.Text($"Lists by size of the pool, {Callers} callers"), "connections in the pool", "requests per second"));
        var wait = report.Add(new Curve("pool-wait", Figures.Text($"Waiting by size of the pool, {Callers} callers"), "connections in the pool", "ms"));
        for (var i = 0; i < Pools.Length; i++)
        {
            rate.Add("answered", Pools[i], series[i].PerSecond * (1 - Refused(series[i]) / 100));
            rate.Add("refused", Pools[i], series[i].PerSecond * Refused(series[i]) / 100);
            wait.Add("p50", Pools[i], series[i].P50Ms);
            wait.Add("p99", Pools[i], series[i].P99Ms);
        }

        var (small, large) = (series[Array.IndexOf(Pools, 20)], series[Array.IndexOf(Pools, 50)]);
        report.Gains.Add(Figures.Text($"pool under {Callers} callers: refused"), "15 → 0 % (100 callers)", Refused(small), Refused(large), " %", "`Database:PoolMaximum=20`", "50, as shipped");
        report.Gains.Add(Figures.Text($"pool under {Callers} callers: p50"), "350 → 45 ms (100 callers)", small.P50Ms, large.P50Ms, " ms", "`Database:PoolMaximum=20`", "50, as shipped");
    }

    /// <summary>Of a hundred requests.</summary>
    private static double Refused(LoadSeries series) => 100.0 * series.Failed / Math.Max(series.Requests, 1);
}
