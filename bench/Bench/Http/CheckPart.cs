using Bench.Report;

namespace Bench.Http;

/// <summary>Permission checks by ten thousand accounts in turn, all of them asked about before, beside the least an answer over HTTP can cost.</summary>
internal static class CheckPart
{
    private const int Seconds = 4;

    public static async Task RunAsync(Scene scene)
    {
        var (kestrel, fastApi) = (await scene.Peers.KestrelAsync(), await scene.Peers.FastApiAsync());
        var access = await scene.AccessTokensAsync();
        Task<WrkResult> OursAsync() => Wrk.RunAsync(scene.Service.Address, "check.lua", Scene.Connections, Seconds, ("ACCESS", access));
        async Task<WrkResult?> KestrelAsync() => await kestrel.LoadAsync("report.lua", Scene.Connections, Seconds - 1);
        async Task<WrkResult?> FastApiAsync() => await fastApi.LoadAsync("permissions.lua", Scene.Connections, Seconds - 1, ("USERS", Figures.Text($"{Scene.Users}")));

        await Scene.WarmAsync(scene.Service, access);
        await Wrk.RunAsync(scene.Service.Address, "check.lua", Scene.Connections, Scene.SecondsToSteadiness, ("ACCESS", access));
        await KestrelAsync();
        await FastApiAsync();
        var (ours, kestrels, fastApis, statements) = (new LoadSeries(), new LoadSeries(), new LoadSeries(), new StatementCounts());
        for (var round = 0; round < Scene.Rounds; round++)
        {
            var before = await StatementCounts.ReadAsync(scene.Target.Db);
            ours.Add(await OursAsync());
            statements.Add(before, await StatementCounts.ReadAsync(scene.Target.Db));
            kestrels.Add(await KestrelAsync());
            fastApis.Add(await FastApiAsync());
        }

        scene.Report.Load("authz/check, 32 connections", ours);
        scene.Report.Load("  bare Kestrel", kestrels);
        scene.Report.Load("  FastAPI + Redis", fastApis);
        var reads = (statements.Of(MixPart.RightsReads) + statements.Of(MixPart.SessionReads)) * 1_000.0 / ours.Requests;
        var ratio = kestrels.IsEmpty ? double.NaN : ours.PerSecond / kestrels.PerSecond;
        scene.Report.Find("authz/check, 32 connections", $"{ours.PerSecond:N0}/s", ratio, new Bar(0.5, 0.8, "x"), $"bare Kestrel {Findings.Rate(kestrels)}", Findings.Ratio(ours, kestrels));
        scene.Report.Beside($"FastAPI {Findings.Rate(fastApis)}", Findings.Ratio(ours, fastApis));
        scene.Report.Find("  reads for rights and sessions, per 1,000 checks", $"{reads:F2}", reads, Bar.AtMost(null, 0, ""));
    }
}
