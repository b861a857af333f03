using Bench.Report;

namespace Bench.Http;

/// <summary>Permission checks by ten thousand accounts in turn, all of them asked about before, beside the least an answer over HTTP can cost, and the least a check can: the same in and out, and nothing checked.</summary>
internal static class CheckPart
{
    private const int Seconds = 3;

    public static async Task RunAsync(Scene scene)
    {
        var (kestrel, limit, fastApi) = (await scene.Peers.KestrelAsync(), await scene.Peers.LimitAsync(), await scene.Peers.FastApiAsync());
        var access = await scene.AccessTokensAsync();
        Task<WrkResult> OursAsync() => Wrk.RunAsync(scene.Service.Address, "check.lua", Scene.Connections, Seconds, ("ACCESS", access));
        async Task<WrkResult?> KestrelAsync() => await kestrel.LoadAsync("report.lua", Scene.Connections, Seconds - 1);
        async Task<WrkResult?> LimitAsync(int seconds) => await limit.LoadAsync("check.lua", Scene.Connections, seconds, ("ACCESS", access), ("CHECK_PATH", "/check"));
        async Task<WrkResult?> FastApiAsync() => await fastApi.LoadAsync("permissions.lua", Scene.Connections, Seconds - 1, ("USERS", Figures.Text($"{Scene.Users}")));

        // Long enough for every session to be seen as well.
        await Wrk.RunAsync(scene.Service.Address, "check.lua", Scene.Connections, Scene.SecondsToSteadiness, ("ACCESS", access));
        await KestrelAsync();
        await LimitAsync(Scene.LimitsSecondsToSteadiness);
        await FastApiAsync();
        var (ours, kestrels, limits, fastApis, statements) = (new LoadSeries(), new LoadSeries(), new LoadSeries(), new LoadSeries(), new StatementCounts());
        for (var round = 0; round < Scene.Rounds; round++)
        {
            var before = await StatementCounts.ReadAsync(scene.Target.Db);
            ours.Add(await OursAsync());
            statements.Add(before, await StatementCounts.ReadAsync(scene.Target.Db));
            limits.Add(await LimitAsync(Seconds));
            kestrels.Add(await KestrelAsync());
            fastApis.Add(await FastApiAsync());
        }

        scene.Report.Load("authz/check, 32 connections", ours);
        scene.Report.Load("  limit: Kestrel, JSON in and out", limits);
        scene.Report.Load("  bare Kestrel", kestrels);
        scene.Report.Load("  FastAPI + Redis", fastApis);
        var reads = (statements.Of(MixPart.RightsReads) + statements.Of(MixPart.SessionReads)) * 1_000.0 / ours.Requests;
        var ratio = kestrels.IsEmpty ? double.NaN : ours.PerSecond / kestrels.PerSecond;
        scene.Report.Find("authz/check, 32 connections", $"{ours.PerSecond:N0}/s", ratio, new Bar(0.5, 0.8, "x"), $"bare Kestrel {Findings.Rate(kestrels)}", Findings.Ratio(ours, kestrels));
        scene.Report.Beside($"limit {Findings.Rate(limits)}", Findings.Ratio(ours, limits));
        scene.Report.Beside($"FastAPI {Findings.Rate(fastApis)}", Findings.Ratio(ours, fastApis));
        scene.Report.Find("  reads for rights and sessions, per 1,000 checks", $"{reads:F2}", reads, Bar.AtMost(null, 0, ""));
    }
}
