using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace UnitTests.Repository;

/// <summary>An alert without a page to it wakes somebody for nothing, and a panel over a metric nobody explains is decoration.</summary>
public partial class OperationsTests
{
    private static readonly string Rules = RepositoryRoot.Read("deploy", "prometheus", "rules.yml");

    // Take a section out of the page, or an alert out of the file, and this names it.
    [Fact]
    public void Every_alert_has_its_section_in_the_runbook_and_every_section_its_alert()
    {
        var alerts = Alert().Matches(Rules).Select(m => m.Groups["name"].Value).ToList();
        Assert.True(alerts.Count >= 10, $"only {alerts.Count} alerts");
        Assert.Equal(alerts, Section().Matches(RepositoryRoot.Read("docs", "operate", "runbook.md")).Select(m => m.Groups["name"].Value));
        Assert.Equal(alerts.Select(a => "docs/operate/runbook.md#" + a.ToLowerInvariant()), Runbook().Matches(Rules).Select(m => m.Groups["link"].Value));
    }

    [Fact]
    public void Every_alert_is_shown_to_fire_and_to_keep_quiet()
    {
        var tests = RepositoryRoot.Read("deploy", "prometheus", "rules.test.yml");
        var expected = Alert().Matches(Rules).Select(m => m.Groups["name"].Value).SelectMany(a => new[] { $"{a} fires", $"{a} keeps quiet" });
        Assert.Equal(expected, TestName().Matches(tests).Select(m => m.Groups["name"].Value));
    }

    // Misspell a metric in a rule or in the dashboard and this names it: Prometheus would only say that it has no data.
    [Fact]
    public void Rules_and_dashboard_ask_for_metrics_that_are_explained()
    {
        var page = Metric().Matches(RepositoryRoot.Read("docs", "operate", "metrics.md")).Select(m => m.Value).ToHashSet(StringComparer.Ordinal);
        var asked = Metric().Matches(Rules + string.Join('\n', Queries())).Select(m => Part().Replace(m.Value, "")).Distinct(StringComparer.Ordinal).ToList();
        Assert.True(asked.Count > 40, $"only {asked.Count} metrics");
        Assert.DoesNotContain(asked, name => !page.Contains(name));
    }

    private static IEnumerable<string> Queries() =>
        from panel in JsonNode.Parse(RepositoryRoot.Read("deploy", "grafana", "dashboards", "authservice.json"))!["panels"]!.AsArray()
        from target in panel!["targets"]?.AsArray() ?? []
        select target!["expr"]!.GetValue<string>();

    [GeneratedRegex(@"^      - alert: (?<name>\w+)$", RegexOptions.Multiline)]
    private static partial Regex Alert();

    [GeneratedRegex(@"^          runbook: (?<link>\S+)$", RegexOptions.Multiline)]
    private static partial Regex Runbook();

    [GeneratedRegex(@"^## (?<name>\w+)$", RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex(@"^  - name: (?<name>.+)$", RegexOptions.Multiline)]
    private static partial Regex TestName();

    [GeneratedRegex(@"\b(permissions_cache|solid_cache|authservice|db_pool|db_client|http_server|kestrel|dotnet)_(?!response_status_code|request_method|connection_pool_name)[a-z_]+\b")]
    private static partial Regex Metric();

    [GeneratedRegex("(?<=_seconds|_bytes|_size)_(bucket|sum|count)$")]
    private static partial Regex Part();
}
