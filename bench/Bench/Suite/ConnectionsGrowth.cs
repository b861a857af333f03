using Bench.Http;
using Bench.Report;

namespace Bench.Suite;

/// <summary>Ever more callers at a time: throughput rises until the processors are busy, and waiting begins there.</summary>
internal static class ConnectionsGrowth
{
    private const int Seconds = 1;
    private const int Sessions = 4_096;

    private static readonly int[] Connections = [1, 8, 32, 128, 512];

    public static async Task RunAsync(Scene scene, SuiteReport report)
    {
        var access = await scene.AccessTokensAsync();
        await Scene.WarmAsync(scene.Service, access);
        var (checks, refreshes) = (Connections.Select(_ => new LoadSeries()).ToArray(), Connections.Select(_ => new LoadSeries()).ToArray());
        for (var round = 0; round < Scene.CurveRounds; round++)
        {
            for (var i = 0; i < Connections.Length; i++)
            {
                checks[i].Add(await Wrk.RunAsync(scene.Service.Address, "check.lua", Connections[i], Seconds, ("ACCESS", access)));
                refreshes[i].Add(await Wrk.RunAsync(scene.Service.Address, "refresh.lua", Connections[i], Seconds, ("TOKENS", await scene.RefreshTokensAsync(Sessions))));
            }
        }

        var rate = report.Add(new Curve("connections-rate", "Throughput by connections", "connections", "requests per second") { IsLogarithmicInX = true, IsLogarithmicInY = true });
        var p99 = report.Add(new Curve("connections-p99", "p99 by connections", "connections", "p99 in ms") { IsLogarithmicInX = true, IsLogarithmicInY = true });
        for (var i = 0; i < Connections.Length; i++)
        {
            foreach (var (what, series) in new[] { ("check", checks[i]), ("refresh", refreshes[i]) })
            {
                rate.Add(what, Connections[i], series.PerSecond);
                p99.Add(what, Connections[i], series.P99Ms);
                report.Findings.Load(Figures.Text($"{what}, {Connections[i]} {(Connections[i] == 1 ? "connection" : "connections")}"), series);
            }
        }
    }
}
