using Bench.Report;

namespace Bench.Http;

/// <summary>A day's mix of requests, on a node with the cache of rights and on one without: how many statements does it spare the database?</summary>
internal static class MixPart
{
    /// <summary>Tags of the statements that answer "what may this account do?" and "does this session live?".</summary>
    public static readonly string[] RightsReads = ["Authorization/Rights.", "Authorization/RoleCatalogue."];
    public static readonly string[] SessionReads = ["Sessions/LiveSessions."];

    // Per 1,000 requests: a check asks for a session and for rights, and so do a profile and a grant; a refresh asks for rights.
    private const int Questions = (800 + 40 + 10) * 2 + 150;

    private static readonly string[] Authority = ["Authorization/Authority."];

    private const int Seconds = 2;
    private const int RefreshSessions = 4_096;

    /// <returns>Reads for rights and sessions per 1,000 requests, with the cache and without.</returns>
    public static async Task<(double On, double Off)> RunAsync(Scene scene)
    {
        await using var without = await scene.Target.StartAsync(("PermissionCache__Enabled", "false"));
        var grants = await GrantsAsync(scene);
        var access = await scene.AccessTokensAsync();
        var (on, off) = (new Side(scene.Service), new Side(without));
        foreach (var side in new[] { on, off })
        {
            await Scene.WarmAsync(side.Node, access);
            await LoadAsync(scene, side.Node, access, grants);
        }

        for (var round = 0; round < Scene.Rounds; round++)
        {
            foreach (var side in new[] { on, off })
            {
                var before = await StatementCounts.ReadAsync(scene.Target.Db);
                side.Runs.Add(await LoadAsync(scene, side.Node, access, grants));
                side.Statements.Add(before, await StatementCounts.ReadAsync(scene.Target.Db));
            }
        }

        scene.Report.Load("mix 80/15/4/1, 32 connections, cache on", on.Runs);
        scene.Report.Load("  cache off", off.Runs);
        var spared = 100 * (1 - on.Reads / off.Reads);
        scene.Report.Find("mix 80/15/4/1: reads for rights and sessions, per 1,000 requests", $"{on.Reads:F1}", spared, new Bar(98, 99.5, " % fewer"),
            Figures.Text($"cache off {off.Reads:F1}"), Figures.Text($"{spared:F1} % fewer"));
        scene.Report.Detail("  beside a statement a question", $"{on.Reads:F1}", Figures.Text($"{Questions} questions"), Figures.Text($"{100 * (1 - on.Reads / Questions):F1} % fewer"));
        scene.Report.Detail("  for rights", $"{on.PerThousand(RightsReads):F1}", Figures.Text($"cache off {off.PerThousand(RightsReads):F1}"));
        scene.Report.Detail("  for sessions", $"{on.PerThousand(SessionReads):F1}", Figures.Text($"cache off {off.PerThousand(SessionReads):F1}"));
        scene.Report.Detail("  in the transactions of changes, cached or not", $"{on.PerThousand(Authority):F1}", Figures.Text($"cache off {off.PerThousand(Authority):F1}"));
        scene.Report.Detail("  statements of any kind", $"{on.All:F1}", Figures.Text($"cache off {off.All:F1}"));
        scene.Report.Detail("  requests", $"{on.Runs.PerSecond:N0}/s", Figures.Text($"cache off {off.Runs.PerSecond:N0}/s"), Findings.Ratio(on.Runs, off.Runs));
        return (on.Reads, off.Reads);
    }

    private static async Task<(string, string)[]> GrantsAsync(Scene scene)
    {
        await scene.Target.ExecuteAsync("INSERT INTO roles (name) VALUES ('mix') ON CONFLICT DO NOTHING");
        var role = await scene.Target.ReadAsync<long>("SELECT id FROM roles WHERE name = 'mix'");
        var ids = await scene.Target.ReadAsync<long[]>($"SELECT ARRAY(SELECT id FROM users ORDER BY id LIMIT {Scene.Users})");
        return [("ADMIN", scene.Administrator), ("ROLE_ID", Figures.Text($"{role}")), ("FIRST_ID", Figures.Text($"{ids[0]}")), ("LAST_ID", Figures.Text($"{ids[^1]}"))];
    }

    private static async Task<WrkResult> LoadAsync(Scene scene, ServerProcess node, string access, (string, string)[] grants) =>
        await Wrk.RunAsync(node.Address, "mix.lua", Scene.Connections, Seconds,
            [("ACCESS", access), ("TOKENS", await scene.RefreshTokensAsync(RefreshSessions)), .. grants]);

    private sealed record Side(ServerProcess Node)
    {
        public LoadSeries Runs { get; } = new();
        public StatementCounts Statements { get; } = new();
        public double Reads => PerThousand(RightsReads) + PerThousand(SessionReads);
        public double All => Statements.All * 1_000.0 / Runs.Requests;

        public double PerThousand(string[] tags) => Statements.Of(tags) * 1_000.0 / Runs.Requests;
    }
}
