using Bench.Report;

namespace Bench.Http;

/// <summary>
/// Do sign-ins in masses hold up those who are signed in? Refreshes with and without a flood of log-ins, in turn: at a rate the machine
/// has room for, where waiting is the flood's doing, and flat out, where the flood also takes its share of the machine.
/// </summary>
internal static class FloodPart
{
    private const int Seconds = 2;
    private const int Sessions = 4_096;
    private const int RestMs = 64;   // 32 connections: 500 refreshes a second

    private static readonly TimeSpan Rise = TimeSpan.FromMilliseconds(500);

    public static async Task RunAsync(Scene scene)
    {
        var (quiet, flooded, quietFlatOut, floodedFlatOut, floods) = (new LoadSeries(), new LoadSeries(), new LoadSeries(), new LoadSeries(), new LoadSeries());
        await RefreshAsync(scene, isPaced: true);
        for (var round = 0; round < Scene.Rounds; round++)
        {
            quiet.Add(await RefreshAsync(scene, isPaced: true));
            flooded.Add(await DuringFloodAsync(isPaced: true));
            quietFlatOut.Add(await RefreshAsync(scene, isPaced: false));
            floodedFlatOut.Add(await DuringFloodAsync(isPaced: false));
        }

        scene.Report.Load("refresh at 500/s", quiet);
        scene.Report.Load("  during a flood of log-ins", flooded);
        scene.Report.Load("refresh flat out", quietFlatOut);
        scene.Report.Load("  during a flood of log-ins", floodedFlatOut);
        scene.Report.Load("the flood, 32 connections (503 is what it is meant to meet)", floods);
        Tell("refresh p99 at 500/s, log-ins in a flood", quiet, flooded);
        Tell("refresh p99 flat out, log-ins in a flood", quietFlatOut, floodedFlatOut);

        async Task<WrkResult> DuringFloodAsync(bool isPaced)
        {
            var flood = Wrk.RunAsync(scene.Service.Address, "login.lua", Scene.Connections, Seconds + 1,
                ("PASSWORD", Target.Password), ("FIRST", "20000"), ("LAST", "99999"));
            await Task.Delay(Rise, TimeProvider.System);
            var refreshes = await RefreshAsync(scene, isPaced);
            floods.Add(await flood);
            return refreshes;
        }

        void Tell(string what, LoadSeries calm, LoadSeries troubled) => scene.Report.Find(what, $"{troubled.P99Ms:F2} ms",
            troubled.P99Ms / calm.P99Ms, Bar.AtMost(null, 2, "x"), Figures.Text($"quiet {calm.P99Ms:F2} ms"), Figures.Text($"{troubled.P99Ms / calm.P99Ms:F2}"));
    }

    private static async Task<WrkResult> RefreshAsync(Scene scene, bool isPaced) =>
        await Wrk.RunAsync(scene.Service.Address, "refresh.lua", Scene.Connections, Seconds,
            [("TOKENS", await scene.RefreshTokensAsync(Sessions)), .. isPaced ? [("DELAY_MS", Figures.Text($"{RestMs}"))] : Array.Empty<(string, string)>()]);
}
