using Bench.Http;
using Bench.Report;

namespace Bench.Suite;

/// <summary>Checks and refreshes by a node that keeps rights in memory and by one that asks the database every time, in turn.</summary>
internal static class CacheGain
{
    private const int Seconds = 1;
    private const int Sessions = 4_096;

    public static async Task RunAsync(Scene scene, Gains gains)
    {
        await using var without = await scene.Target.StartAsync(("PermissionCache__Enabled", "false"));
        var access = await scene.AccessTokensAsync();
        ServerProcess[] nodes = [without, scene.Service];
        foreach (var node in nodes)
        {
            await Scene.WarmAsync(node, access);
            await RefreshAsync(node, Scene.Connections);   // the compiler's
        }

        foreach (var connections in new[] { 1, Scene.Connections })
        {
            var (checks, refreshes) = (nodes.Select(_ => new LoadSeries()).ToArray(), nodes.Select(_ => new LoadSeries()).ToArray());
            for (var round = 0; round < Scene.Rounds; round++)
            {
                for (var i = 0; i < nodes.Length; i++)
                {
                    checks[i].Add(await Wrk.RunAsync(nodes[i].Address, "check.lua", connections, Seconds, ("ACCESS", access)));
                    refreshes[i].Add(await RefreshAsync(nodes[i], connections));
                }
            }

            Tell("a check over HTTP", "", checks);
            Tell("a refresh", "45 → 38 ms", refreshes);

            void Tell(string what, string claimed, LoadSeries[] series)
            {
                if (connections == 1) gains.Add(what + ", one caller, p50", claimed, series[0].P50Ms, series[1].P50Ms, " ms", "`PermissionCache:Enabled=false`", "as shipped");
                else gains.Add(Figures.Text($"{what}, {connections} callers, p50"), "", series[0].P50Ms, series[1].P50Ms, " ms", "`PermissionCache:Enabled=false`", "as shipped");
            }
        }

        async Task<WrkResult> RefreshAsync(ServerProcess node, int connections) =>
            await Wrk.RunAsync(node.Address, "refresh.lua", connections, Seconds, ("TOKENS", await scene.RefreshTokensAsync(Sessions)));
    }
}
