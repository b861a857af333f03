using System.Globalization;
using AuthService.LoadTest;
using AuthService.Tokens;
using Bench.Http;
using Bench.Report;
using Spectre.Console;

namespace Bench.Soak;

/// <summary><c>./dev load soak [seconds] [rate]</c>: the mix of a day at a fixed rate on 100,000 accounts, held against the service levels. Ends with 1 if one is not met.</summary>
internal static class SoakRun
{
    private const int DefaultSeconds = 600, MinSeconds = 20, MaxSeconds = 86_400;
    private const int DefaultRate = 1_000, MaxRate = 100_000;
    private const int Users = 100_000, Sessions = 5_000, Grantees = 1_000;
    private const int Connections = 64;

    // A process that has just begun to work fills its heap, whatever it does later.
    private const int ShortestForMemory = 300;
    private const double BearableGrowth = 0.05;
    private const double SlowStatementMs = 100;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShortestWarmUp = TimeSpan.FromSeconds(10);

    public static string Usage => Figures.Text($"./dev load soak [seconds, {MinSeconds} to {MaxSeconds}; default {DefaultSeconds}] [requests a second, to {MaxRate}; default {DefaultRate}]");

    public static async Task<int> RunAsync(string[] numbers)
    {
        var (seconds, rate) = (DefaultSeconds, DefaultRate);
        if (numbers.Length > 2
            || (numbers.Length > 0 && (!int.TryParse(numbers[0], CultureInfo.InvariantCulture, out seconds) || seconds is < MinSeconds or > MaxSeconds))
            || (numbers.Length > 1 && (!int.TryParse(numbers[1], CultureInfo.InvariantCulture, out rate) || rate is < 1 or > MaxRate))
            || !LoadMix.TryParse(LoadMix.Standard, out var mix, out _))
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        Console.WriteLine(Figures.Text($"{Users:N0} accounts, {Sessions:N0} of them signed in; {LoadMix.Standard}; {rate:N0}/s for {seconds} s"));
        await using var target = await Target.CreateAsync(Users);
        await using var node = await target.StartAsync();
        var people = await GatherAsync(target);
        var plan = new LoadPlan(rate, TimeSpan.FromSeconds(seconds), Connections, Timeout, mix);
        using var traffic = new LoadTraffic(node.Address, plan, people, TimeProvider.System);
        var loop = new OpenLoop(TimeProvider.System);

        // Until everybody has asked once: what is measured is a service in use, not one that has just started.
        var checks = rate * (mix.PercentOf(RequestKind.Check) + mix.PercentOf(RequestKind.Profile)) / 100.0;
        await loop.RunAsync(plan with { Duration = TimeSpan.FromSeconds(Math.Max(ShortestWarmUp.TotalSeconds, Sessions / checks)) }, traffic.SendAsync, CancellationToken.None);

        await target.ExecuteAsync("SELECT /* Bench */ pg_stat_statements_reset()");
        var samples = new NodeSamples(target, node, () => people.Administrator!.Authorization);
        var before = await samples.ReadMetricsAsync();
        using var over = new CancellationTokenSource();
        var sampling = samples.TakeAsync(over.Token);
        var report = await loop.RunAsync(plan, traffic.SendAsync, CancellationToken.None);
        var after = await samples.ReadMetricsAsync();
        await over.CancelAsync();
        await sampling;
        var statements = await StatementTime.ReadAsync(target.Db);
        ShowRequests(report);
        ShowStatements(statements);
        return ShowVerdict(report, samples.Taken, statements, HitRate(before, after)) ? 0 : 1;
    }

    // The role gives a permission, and whom it is given to and taken from also asks: rights change under the questions.
    private static async Task<LoadPeople> GatherAsync(Target target)
    {
        await target.ExecuteAsync($"""
            INSERT INTO roles (name) VALUES ('{GatherPeople.Role}');
            INSERT INTO role_permissions (role_id, permission_id) SELECT r.id, (SELECT min(id) FROM permissions) FROM roles r WHERE r.name = '{GatherPeople.Role}'
            """);
        using var mint = await SessionMint.CreateAsync(target, Sessions);
        var administrator = await mint.AdministratorSessionAsync();
        var minted = await mint.MintAsync(Sessions);
        var expires = TimeProvider.System.GetUtcNow() + new TokenOptions().AccessTokenLifetime;
        return new LoadPeople(
            [.. minted.Select(Of)], Of(administrator), [.. minted.Skip(1).Take(Grantees).Select(m => new Grantee(m.UserId))],
            await target.ReadAsync<long>($"SELECT id FROM roles WHERE name = '{GatherPeople.Role}'"), []);

        LoadSession Of(MintedSession m) => new(m.UserId, m.AccessToken, m.RefreshToken, expires, m.Permission);
    }

    private static void ShowRequests(LoadReport report)
    {
        var table = new Table().AddColumns("requests", "count", "not 2xx", "p50 ms", "p99 ms", "p99.9 ms", "longest ms", "what became of them");
        foreach (var kind in report.Kinds.Append(report.All))
        {
            var l = kind.Latency;
            table.AddRow(kind.Kind, Figures.Text($"{kind.Requests:N0}"), Figures.Text($"{kind.Errors:N0}"), Figures.Text($"{l.P50:F2}"), Figures.Text($"{l.P99:F2}"), Figures.Text($"{l.P999:F2}"), Figures.Text($"{l.Max:F2}"),
                string.Join(", ", kind.Outcomes.Select(o => Figures.Text($"{o.Key}: {o.Value:N0}"))));
        }

        Tables.Write(table);
        var g = report.Generator;
        Console.WriteLine(Figures.Text($"reached {report.Reached:N1}/s of {report.Rate:N0}/s; the generator was {g.LateP50:F2} ms late (p99 {g.LateP99:F2}, at most {g.LateMax:F2}), kept {g.Processors:F2} processors busy; {g.FoundAllBusy:N0} requests found all {report.Connections} connections busy"));
    }

    private static void ShowStatements(IReadOnlyList<StatementTime> statements)
    {
        var table = new Table().AddColumns("statements, by their longest", "calls", "rows", "mean ms", "max ms");
        foreach (var s in statements.OrderByDescending(s => s.Max).Take(10))
            table.AddRow(s.Name.ReplaceLineEndings(" ") is { Length: > 70 } text ? text[..70].EscapeMarkup() : s.Name.EscapeMarkup(), Figures.Text($"{s.Calls:N0}"), Figures.Text($"{s.Rows:N0}"), Figures.Text($"{s.Mean:F3}"), Figures.Text($"{s.Max:F1}"));
        Tables.Write(table);
    }

    private static bool ShowVerdict(LoadReport report, IReadOnlyList<NodeSample> samples, IReadOnlyList<StatementTime> statements, double? told)
    {
        var table = new Table().AddColumns("service level", "measured", "at least", "goal", "met");
        var isMet = true;
        var all = report.All;
        Row("p99 of all requests", Figures.Text($"{all.Latency.P99:F1} ms"), all.Latency.P99, Bar.AtMost(500, 25, " ms"));
        var errors = 100.0 * all.Errors / all.Requests;
        Row("errors", Figures.Text($"{errors:F4} % ({all.Errors:N0})"), errors, Bar.AtMost(0.1, 0.1, " %"));
        Row("rate reached", Figures.Text($"{report.Reached:N1}/s"), report.Reached / report.Rate * 100, new Bar(99, 99.9, " % of what was asked for"));
        RowOfMemory();
        var calls = statements.Sum(s => s.Calls);
        var slow = 100 * statements.Sum(s => s.AtMostAbove(SlowStatementMs)) / calls;
        Row("statements of 100 ms and more", Figures.Text($"at most {slow:F4} % of {calls:N0}"), slow, Bar.AtMost(1, 0.1, " %"));
        // A check, a profile and a grant ask for a session and for rights, a refresh for rights. One row is one of these that was read.
        var questions = report.Kinds.Sum(k => k.Requests * (k.Kind == "refresh" ? 1 : 2));
        var read = statements.Where(s => s.Name.StartsWith("Authorization/Rights.", StringComparison.Ordinal) || s.Name.StartsWith("Sessions/LiveSessions.", StringComparison.Ordinal)).Sum(s => s.Rows);
        var hits = 100 * (1 - (double)read / questions);
        Row("rights and sessions from memory", Figures.Text($"{hits:F2} % of {questions:N0}"), hits, new Bar(90, 99, " %"));
        if (told is { } rate) Row("  rights, as the node counts", Figures.Text($"{rate:F2} %"), rate, new Bar(90, 99, " %"));
        // Not a level of the service: above it, the rows before this say nothing about it.
        Row("generator late, p99", Figures.Text($"{report.Generator.LateP99:F2} ms"), report.Generator.LateP99, Bar.AtMost(GeneratorReport.Bearable, 2, " ms"));
        Tables.Write(table);
        return isMet;

        void Row(string what, string measured, double figure, Bar bar)
        {
            var met = bar.Meets(figure);
            isMet &= met != "no";
            table.AddRow(what, measured, Figures.Text($"{bar.AtLeast:#,0.##}{bar.Unit}"), Figures.Text($"{bar.Goal:#,0.##}{bar.Unit}"), met);
        }

        // What the cache keeps may grow to the bound it was given, and does while sessions are refreshed: each new token is an entry. Whether anything else grows is the question.
        void RowOfMemory()
        {
            var late = samples.Where(s => s.Seconds >= report.Seconds / 3).ToList();
            var resident = SlopeOf(s => s.ResidentMiB);
            table.AddRow("memory, last two thirds", Figures.Text($"{Told(resident)} at {(late.Count > 0 ? late.Average(s => s.ResidentMiB) : double.NaN):F0} MiB"), "", "", "");
            var rest = SlopeOf(BesideCache);
            var measured = Figures.Text($"{Told(rest)} at {(late.Count > 0 ? late.Average(BesideCache) : double.NaN):F0} MiB");
            if (report.Seconds < ShortestForMemory)
            {
                table.AddRow("  beside what is cached", measured, "no growth", "no growth", Figures.Text($"not judged below {ShortestForMemory} s"));
                return;
            }

            // Growth is a line that certainly rises, and by more than the collector's moods.
            var hours = (late[^1].Seconds - late[0].Seconds) / 3600;
            var grows = rest.PerUnit > 2 * rest.Error && rest.PerUnit * hours > BearableGrowth * BesideCache(late[0]);
            isMet &= !grows;
            table.AddRow("  beside what is cached", measured, "no growth", "no growth", grows ? "no" : "goal");

            Slope SlopeOf(Func<NodeSample, double> memory) => Slope.Of([.. late.Select(s => (s.Seconds / 3600, memory(s)))]);

            static double BesideCache(NodeSample sample) => sample.ResidentMiB - (sample.CacheMiB ?? 0);

            static string Told(Slope slope) => Figures.Text($"{slope.PerUnit:F1} ± {slope.Error:F1} MiB/h");
        }
    }

    private static double? HitRate(IReadOnlyDictionary<string, double> before, IReadOnlyDictionary<string, double> after)
    {
        var (hits, misses) = (Since("permissions_cache_hits_total"), Since("permissions_cache_misses_total"));
        return hits + misses > 0 ? 100 * hits / (hits + misses) : null;

        double Since(string name) => after.GetValueOrDefault(name) - before.GetValueOrDefault(name);
    }
}
