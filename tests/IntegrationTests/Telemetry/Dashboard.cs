using System.Text.Json.Nodes;

namespace IntegrationTests.Telemetry;

/// <summary>A question of the dashboard's, and what Prometheus had for it.</summary>
internal sealed record PanelAnswer(string Panel, string Expression, int Series);

/// <summary>The dashboard that ships, asked as Grafana would.</summary>
internal static class Dashboard
{
    /// <summary>Every query of every panel, with the window of the rate as given.</summary>
    public static IEnumerable<(string Panel, string Expression)> Queries(string window)
    {
        var dashboard = JsonNode.Parse(File.ReadAllText(Path.Combine(PrometheusServer.Repository(), "deploy", "grafana", "dashboards", "authservice.json")))!;
        foreach (var panel in dashboard["panels"]!.AsArray())
        {
            if (panel!["type"]!.GetValue<string>() == "row") continue;
            foreach (var target in panel["targets"]!.AsArray())
            {
                var expression = target!["expr"]!.GetValue<string>()
                    .Replace("$__rate_interval", window, StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal).Replace("$route", ".*", StringComparison.Ordinal);
                Assert.DoesNotContain("$", expression, StringComparison.Ordinal);
                yield return (panel["title"]!.GetValue<string>(), expression);
            }
        }
    }

    /// <summary>What Prometheus has of this moment, however long the asking takes; a series that is not a number counts for nothing.</summary>
    public static async Task<List<PanelAnswer>> AskAsync(PrometheusServer prometheus, string window, CancellationToken ct)
    {
        var (answers, now) = (new List<PanelAnswer>(), TimeProvider.System.GetUtcNow());
        foreach (var (panel, expression) in Queries(window))
        {
            var series = await prometheus.QueryAsync(expression, ct, now);
            answers.Add(new PanelAnswer(panel, expression, series.Count(one => one!["value"]![1]!.GetValue<string>() != "NaN")));
        }

        return answers;
    }
}
