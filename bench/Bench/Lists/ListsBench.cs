using Spectre.Console;
using static Bench.Figures;

namespace Bench.Lists;

/// <summary>The list of accounts and its export over HTTP, one caller, at three sizes: how each grows with the number of accounts.</summary>
internal static class ListsBench
{
    private const int Calls = 100;

    private static readonly int[] Sizes = [10_000, 100_000, 1_000_000];

    public static async Task<int> RunAsync()
    {
        var rows = new List<(string What, List<string> Figures)>();
        foreach (var size in Sizes)
        {
            var measured = await MeasureAsync(size);
            for (var i = 0; i < measured.Count; i++)
            {
                if (rows.Count == i) rows.Add((measured[i].What, []));
                rows[i].Figures.Add(measured[i].Figure);
            }
        }

        var table = new Table().AddColumn("p50 / p99 in ms").AddColumns([.. Sizes.Select(s => Text($"{s:N0} accounts"))]);
        foreach (var (what, figures) in rows) table.AddRow([what, .. figures]);
        Tables.Write(table);
        return 0;
    }

    private static async Task<List<(string What, string Figure)>> MeasureAsync(int size)
    {
        await using var target = await Target.CreateAsync(size);
        await target.ExecuteAsync("VACUUM ANALYZE users");
        await using var lists = await ListQueries.StartAsync(target);
        var (offset, cursor) = await lists.DeepAsync(size);
        List<(string, string)> queries =
        [
            ("first page, total", ""),
            ("first page, no total", "count=none"),
            ("first page, by address, descending", "sort=-email"),
            ("search, no hit", "search=xyz"),
            ("search, few hits", Text($"search=u{size / 8}")),
            ("search, a hundredth hits", "search=99@"),
            ("search, all hit", "search=exa"),
            ("search, all hit, exact total", "search=exa&count=exact"),
            ("search, one letter, all hit", "search=u"),
            ("search, two letters, a ninth hits", "search=u1"),
            ("page 10,000 (or the last) by offset", Text($"offset={offset}")),
            ("the same page by cursor", "cursor=" + cursor),
        ];
        var results = new List<(string, string)>();
        foreach (var (what, query) in queries)
        {
            var times = await lists.TimeAsync(query, Calls);
            results.Add((what, Text($"{times.P50:F1} / {times.P99:F1}   (total {times.Total:N0})")));
        }

        var (lines, seconds, before, peak) = await lists.ExportAsync();
        results.Add(("export, accounts per second", Text($"{lines / seconds:N0}")));
        results.Add(("export, memory beyond that before, at most", Text($"{(peak - before) / 1048576.0:F0} MiB of {peak / 1048576.0:F0}")));
        return results;
    }
}
