using System.Diagnostics;
using AuthService.Client;
using Bench.Http;
using Spectre.Console;
using static Bench.Figures;

namespace Bench.Lists;

/// <summary>The list of accounts and its export over HTTP, one caller, at three sizes: how each grows with the number of accounts.</summary>
internal static class ListsBench
{
    private const int WarmUp = 10;
    private const int Calls = 100;
    private const int PageLength = 50;

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
        await using (await target.StartAsync())
        {
        }

        using var mint = await SessionMint.CreateAsync(target, 1);
        var administrator = await mint.AdministratorAsync();
        await using var service = await target.StartAsync();
        var deep = Math.Min(10_000 * PageLength, size - PageLength);
        var cursor = (await PageAsync(service, administrator, Text($"offset={deep - PageLength}&limit={PageLength}"))).NextCursor;
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
            ("page 10,000 (or the last) by offset", Text($"offset={deep}")),
            ("the same page by cursor", "cursor=" + cursor),
        ];
        var results = new List<(string, string)>();
        foreach (var (what, query) in queries) results.Add((what, await TimesAsync(service, administrator, query)));
        var before = service.ResidentBytes();
        var (lines, seconds, peak) = await ExportAsync(service, administrator);
        results.Add(("export, accounts per second", Text($"{lines / seconds:N0}")));
        results.Add(("export, memory beyond that before, at most", Text($"{(peak - before) / 1048576.0:F0} MiB of {peak / 1048576.0:F0}")));
        return results;
    }

    private static async Task<string> TimesAsync(ServerProcess service, string token, string query)
    {
        var times = new List<double>();
        long? total = 0;
        for (var i = 0; i < WarmUp + Calls; i++)
        {
            var started = Stopwatch.GetTimestamp();
            total = (await PageAsync(service, token, query)).Total;
            if (i >= WarmUp) times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        return Text($"{Median(times):F1} / {Percentile(times, 0.99):F1}   (total {total:N0})");
    }

    private static async Task<Page<UserSummary>> PageAsync(ServerProcess service, string token, string query)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/v1/users?" + query, UriKind.Relative));
        request.Headers.Authorization = new("Bearer", token);
        using var answer = (await service.Http.SendAsync(request)).EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.PageUserSummary))!;
    }

    private static async Task<(long Lines, double Seconds, long PeakBytes)> ExportAsync(ServerProcess service, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/v1/users/export", UriKind.Relative));
        request.Headers.Authorization = new("Bearer", token);
        var (started, lines, peak) = (Stopwatch.GetTimestamp(), 0L, service.ResidentBytes());
        using var answer = (await service.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead)).EnsureSuccessStatusCode();
        await using var body = await answer.Content.ReadAsStreamAsync();
        var buffer = new byte[1 << 20];
        while (await body.ReadAsync(buffer) is > 0 and var count)
        {
            lines += buffer.AsSpan(0, count).Count((byte)'\n');
            peak = Math.Max(peak, service.ResidentBytes());
        }

        return (lines, Stopwatch.GetElapsedTime(started).TotalSeconds, peak);
    }
}
