using Bench.Http;
using Bench.Lists;
using Bench.Report;

namespace Bench.Suite;

/// <summary>From a thousand accounts to a million, in one database that grows: lists over HTTP, and a question about rights that memory can't answer.</summary>
internal static class UsersGrowth
{
    private const int Rounds = 5;
    private const int Calls = 20;
    private const int PeersCalls = 2;   // a second each, at the end

    private static readonly int[] Sizes = [1_000, 10_000, 100_000, 1_000_000];
    private static readonly TimeSpan MissTime = TimeSpan.FromSeconds(0.3);

    private static readonly ListUnderTest[] Lists =
    [
        new("first page with total", "first page with its total", "", "true", Bar.AtMost(20, 5, " ms")),
        new("search, 3 letters", "search of 3 letters, a hundredth hits", "search=99@", "(email ILIKE '%99@%' OR username ILIKE '%99@%')", Bar.AtMost(50, 20, " ms")),
        new("search, 2 letters", "search of 2 letters, a ninth hits", "search=u1", null, Bar.AtMost(50, 20, " ms")),
        new("search, 1 letter", "search of 1 letter, all hit", "search=u", null, Bar.AtMost(50, 20, " ms")),
        new("page 10,000 by cursor", "page 10,000 by cursor", "", null, Bar.AtMost(10, 3, " ms")),
    ];

    public static async Task RunAsync(SuiteReport report)
    {
        var lists = report.Add(new Curve("users-lists", "Lists by accounts, p50, one caller", "accounts", "ms") { IsLogarithmicInX = true, IsLogarithmicInY = true });
        var misses = report.Add(new Curve("users-miss", "A question about rights that is not answered from memory, by accounts, one caller", "accounts", "ms") { IsLogarithmicInX = true });
        await using var target = await Target.CreateAsync(Sizes[0]);
        for (var i = 0; i < Sizes.Length; i++)
        {
            if (i > 0) await target.RunAsync("seed", "--users", Figures.Text($"{Sizes[i] - Sizes[i - 1]}"), "--password", Target.Password);
            await target.ExecuteAsync("VACUUM ANALYZE users");
            await MissAsync(target, Sizes[i], misses);
            await ListsAsync(target, Sizes[i], lists, i == Sizes.Length - 1 ? report : null);
        }
    }

    private static async Task MissAsync(Target target, int size, Curve misses)
    {
        await using var test = await MissUnderTest.StartAsync(target);
        var (ours, drivers) = (new List<double>(), new List<double>());
        for (var round = -1; round < Rounds; round++)
        {
            await test.BeginRoundAsync();
            var (our, driver) = (await MissUnderTest.RateAsync(1, test.Users, MissTime, test.OursAsync), await MissUnderTest.RateAsync(1, int.MaxValue, MissTime, test.DriversAsync));
            if (round < 0) continue;   // the compiler's
            ours.Add(1_000 / our);
            drivers.Add(1_000 / driver);
        }

        misses.Add("the service", size, Figures.Median(ours));
        misses.Add("Npgsql, a statement", size, Figures.Median(drivers));
    }

    /// <param name="report">Of the largest size, which the bars are for; else null.</param>
    private static async Task ListsAsync(Target target, int size, Curve curve, SuiteReport? report)
    {
        await using var node = await ListQueries.StartAsync(target);
        var peer = new TwoStatements(target.Db);
        var deep = "cursor=" + (await node.DeepAsync(size)).Cursor;
        foreach (var list in Lists)
        {
            var query = list == Lists[^1] ? deep : list.Query;
            var (ours, peers) = (new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                ours.AddRange((await node.TimeAsync(query, Calls)).Milliseconds);
                if (list.Condition is { } condition) peers.AddRange(await peer.TimeAsync(condition, PeersCalls));
            }

            var median = Figures.Median(ours);
            curve.Add(list.Line, size, median);
            if (list.Condition is not null) curve.Add(list.Line + ", two statements", size, Figures.Median(peers));
            if (report is null) continue;
            var (beside, ratio) = peers.Count == 0 ? ("", "") : (Figures.Text($"two statements {Figures.Median(peers):F1} ms"), Figures.Text($"{median / Figures.Median(peers):F3}"));
            report.Findings.Find(Figures.Text($"list of {size:N0} accounts, {list.What}"), $"{median:F1} ms", median, list.Bar, beside, ratio);
            report.Findings.Detail("  p99", $"{Figures.Percentile(ours, 0.99):F1} ms");
            if (list == Lists[0]) report.Gains.Add(Figures.Text($"first page of {size:N0} accounts with its total, p50"), "300 → 155 ms", Figures.Median(peers), median, " ms", "a statement that counts, one for the page; without HTTP", "`GET /api/v1/users`");
        }
    }

    /// <param name="Line">In the curve.</param>
    /// <param name="What">In the table.</param>
    /// <param name="Query">Of <c>GET /api/v1/users</c>.</param>
    /// <param name="Condition">The same for <see cref="TwoStatements"/>; null: nothing beside it.</param>
    private sealed record ListUnderTest(string Line, string What, string Query, string? Condition, Bar Bar);
}
