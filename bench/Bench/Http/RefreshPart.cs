using System.Text.Json;
using AuthService.Client;
using Bench.Peers;
using Bench.Report;

namespace Bench.Http;

/// <summary>Refreshes of distinct sessions, and what PostgreSQL has to do for them; beside the least one can cost, and what one would use instead.</summary>
internal static class RefreshPart
{
    private const int Seconds = 3;
    private const int Sessions = 4_096;
    private const int PeerSessions = 64;   // Identity's cost a log-in each

    private static readonly TimeSpan SealersRenewal = TimeSpan.FromSeconds(4);   // the node asks for its lease every 3 s

    public static async Task RunAsync(Scene scene)
    {
        var (limit, fastApi, identity) = (await scene.Peers.LimitAsync(), await scene.Peers.FastApiAsync(), await scene.Peers.IdentityAsync());
        var (fastApiTokens, identityTokens) = (await FastApiTokensAsync(scene, fastApi), await IdentityTokensAsync(scene, identity));
        var (ours, unsealed, limits, fastApis, identities, statements) = (new LoadSeries(), new LoadSeries(), new LoadSeries(), new LoadSeries(), new LoadSeries(), new StatementCounts());
        await OursAsync(scene, Scene.SecondsToSteadiness);
        await scene.Target.UntilSealedAsync();
        await LimitAsync(scene, limit, Scene.LimitsSecondsToSteadiness);
        for (var round = 0; round < Scene.Rounds; round++)
        {
            var before = await StatementCounts.ReadAsync(scene.Target.Db);
            ours.Add(await OursAsync(scene, Seconds));
            statements.Add(before, await StatementCounts.ReadAsync(scene.Target.Db));
            if (scene.IsInDepth) unsealed.Add(await WithoutSealsAsync(scene, () => OursAsync(scene, Seconds)));
            else await scene.Target.UntilSealedAsync();   // the peers are to have the machine for themselves
            limits.Add(await LimitAsync(scene, limit, Seconds));
            fastApis.Add(await fastApi.LoadAsync("refresh.lua", Scene.Connections, Seconds - 1, ("TOKENS", fastApiTokens), ("ROTATES", "no")));
            identities.Add(await identity.LoadAsync("refresh.lua", Scene.Connections, Seconds - 1,
                ("TOKENS", identityTokens), ("REFRESH_PATH", "/auth/refresh"), ("FIELD", "refreshToken")));
        }

        scene.Report.Load("refresh, 32 connections", ours);
        if (scene.IsInDepth) scene.Report.Load("  while no event is sealed", unsealed);
        scene.Report.Load("  limit: Kestrel, a signature and a batched round trip", limits);
        scene.Report.Load("  FastAPI + Redis", fastApis);
        scene.Report.Load("  ASP.NET Core Identity", identities);
        var bar = new Bar(8_000, 15_000, "/s");
        scene.Report.Find("refresh, 32 connections", $"{ours.PerSecond:N0}/s", ours.PerSecond, bar, $"FastAPI {Findings.Rate(fastApis)}", Findings.Ratio(ours, fastApis));
        scene.Report.Beside($"limit {Findings.Rate(limits)}", Findings.Ratio(ours, limits));
        scene.Report.Beside($"Identity {Findings.Rate(identities)}", Findings.Ratio(ours, identities));
        scene.Report.Detail("  p50", $"{ours.P50Ms:F2} ms");
        scene.Report.Find("  p99", $"{ours.P99Ms:F2} ms", ours.P99Ms, Bar.AtMost(null, 10, " ms"));
        Tell(scene.Report, statements, ours.Requests);
    }

    private static async Task<WrkResult> OursAsync(Scene scene, int seconds) =>
        // wrk does not tell which tokens it holds at the end: every run has sessions of its own.
        await Wrk.RunAsync(scene.Service.Address, "refresh.lua", Scene.Connections, seconds, ("TOKENS", await scene.RefreshTokensAsync(Sessions)));

    /// <summary>With sessions of its own as well, so that it finds their rows as the service finds its: not changed before.</summary>
    private static async Task<WrkResult?> LimitAsync(Scene scene, Peer limit, int seconds) => limit.Server is null ? null
        : await limit.LoadAsync("refresh.lua", Scene.Connections, seconds, ("TOKENS", await scene.RefreshTokensAsync(Sessions)), ("REFRESH_PATH", "/refresh"));

    /// <summary>A stranger holds the sealer's lease meanwhile; afterwards the node seals what came, before anything else is measured.</summary>
    private static async Task<T> WithoutSealsAsync<T>(Scene scene, Func<Task<T>> load)
    {
        await scene.Target.ExecuteAsync("UPDATE audit_chain SET sealer = gen_random_uuid(), sealer_until = 'infinity'");
        await Task.Delay(SealersRenewal, TimeProvider.System);
        var result = await load();
        await scene.Target.ExecuteAsync("UPDATE audit_chain SET sealer_until = '-infinity'");
        await scene.Target.UntilSealedAsync();
        return result;
    }

    private static async Task<string> FastApiTokensAsync(Scene scene, Peer peer)
    {
        var file = scene.Target.InFolder("fastapi-refresh");
        if (peer.Server is not { } server) return file;
        using var minted = await server.Http.GetFromJsonAsync<JsonDocument>(Figures.Text($"/mint/{Sessions}"));
        await File.WriteAllLinesAsync(file, minted!.RootElement.GetProperty("refresh_tokens").EnumerateArray().Select(t => t.GetString()!));
        return file;
    }

    private static async Task<string> IdentityTokensAsync(Scene scene, Peer peer)
    {
        var file = scene.Target.InFolder("identity-refresh");
        if (peer.Server is not { } server) return file;
        var tokens = new List<string>();
        for (var n = 1; n <= PeerSessions; n++)
        {
            using var answer = await server.Http.PostAsJsonAsync(
                "/auth/login", new LoginRequest { Email = Figures.Text($"u{n}@example.com"), Password = Target.Password }, WireJson.Default.LoginRequest);
            using var body = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonDocument>();
            tokens.Add(body!.RootElement.GetProperty("refreshToken").GetString()!);
        }

        await File.WriteAllLinesAsync(file, tokens);
        return file;
    }

    private static void Tell(Findings report, StatementCounts statements, long refreshes)
    {
        double PerThousand(long calls) => calls * 1_000.0 / refreshes;
        long rotations = statements.Of("Sessions/RefreshSession."), audit = statements.Of("Audit/AuditTrail."),
            reads = statements.Of(MixPart.RightsReads) + statements.Of(MixPart.SessionReads);
        report.Find("SQL statements per 1,000 refreshes", $"{PerThousand(statements.All):F1}", PerThousand(statements.All), Bar.AtMost(1_000, 200, ""));
        report.Detail("  rotations", $"{PerThousand(rotations):F1}");
        report.Detail("  reads for rights and sessions", $"{PerThousand(reads):F1}");
        report.Detail("  audit batches", $"{PerThousand(audit):F1}");
        report.Detail("  all others", $"{PerThousand(statements.All - rotations - reads - audit):F1}");
    }
}
