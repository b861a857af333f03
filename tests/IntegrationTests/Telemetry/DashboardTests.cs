using System.Diagnostics;
using System.Globalization;

namespace IntegrationTests.Telemetry;

/// <summary>The dashboard over a real Prometheus that scrapes the real service. <c>./dev load metrics [seconds]</c> is the long form.</summary>
public class DashboardTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Load = TimeSpan.FromSeconds(4), Limit = TimeSpan.FromSeconds(30);

    private CancellationToken Ct => servers.TestTimeout;

    // Misspell a metric or a label in a query, or measure something no more, and this names the panel (tried: the pool's threads under another name, and a load that loads nothing).
    [Fact]
    public async Task Every_query_of_every_panel_returns_data()
    {
        await using var service = await WatchedService.StartAsync(servers, Ct);
        await using var prometheus = await PrometheusServer.StartAsync(service.MetricsTarget, Ct);
        var answers = await UnderLoadAsync(service, prometheus, Load, Ct);
        Assert.True(answers.Count > 60, $"only {answers.Count} queries");
        Assert.Equal([], answers.Where(a => a.Series == 0).Select(a => $"{a.Panel}: {a.Expression}"));
    }

    internal static async Task<int> RunLongAsync(int seconds)
    {
        var servers = new Servers();
        try
        {
            await servers.InitializeAsync();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds + 120));
            await using var service = await WatchedService.StartAsync(servers, limit.Token);
            await using var prometheus = await PrometheusServer.StartAsync(service.MetricsTarget, limit.Token);
            var answers = await UnderLoadAsync(service, prometheus, TimeSpan.FromSeconds(seconds), limit.Token);
            foreach (var empty in answers.Where(a => a.Series == 0)) Console.WriteLine($"no data: {empty.Panel}: {empty.Expression}");
            var panels = answers.GroupBy(a => a.Panel, StringComparer.Ordinal).ToList();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{panels.Count(p => p.All(a => a.Series > 0))} of {panels.Count} panels have data, {answers.Count(a => a.Series > 0)} of {answers.Count} queries, {answers.Sum(a => a.Series)} series"));
            return answers.TrueForAll(a => a.Series > 0) ? 0 : 1;
        }
        finally
        {
            await Servers.StopAsync();
        }
    }

    private static async Task<List<PanelAnswer>> UnderLoadAsync(WatchedService service, PrometheusServer prometheus, TimeSpan load, CancellationToken ct)
    {
        var (began, answers) = (Stopwatch.GetTimestamp(), new List<PanelAnswer>());
        await MixedLoad.RunAsync(service, async () =>
        {
            if (Stopwatch.GetElapsedTime(began) < load) return false;
            answers = await Dashboard.AskAsync(prometheus, "5s", ct);
            return answers.TrueForAll(a => a.Series > 0) || Stopwatch.GetElapsedTime(began) > load + Limit;
        }, ct);
        return answers;
    }
}
