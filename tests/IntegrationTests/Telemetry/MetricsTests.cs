using System.Net;
using System.Text.RegularExpressions;

namespace IntegrationTests.Telemetry;

/// <summary>What <c>/metrics</c> says, and to whom.</summary>
public partial class MetricsTests(Servers servers, WatchedServiceOfAClass watched) : IClassFixture<Servers>, IClassFixture<WatchedServiceOfAClass>
{
    private readonly WatchedService _service = watched.Service;

    private CancellationToken Ct => servers.TestTimeout;

    // AllowAnyone in TelemetryEndpoints, and the first of these is answered 200.
    [Fact]
    public async Task The_services_own_address_tells_only_administrators()
    {
        using var stranger = await _service.Process.Http.GetAsync(new Uri("/metrics", UriKind.Relative), Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);

        await _service.Database.AddUserAsync("anna", Ct);
        var anna = await _service.Process.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        using var refused = await _service.SendAsync(anna, HttpMethod.Get, "/metrics", Ct);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

        using var told = await _service.SendAsync(HttpMethod.Get, "/metrics", Ct);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", told.Content.Headers.ContentType?.ToString());
        Assert.Contains("\nsolid_cache_lease_held 1\n", await told.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/metrics", 200)]
    [InlineData("POST", "/metrics", 405)]
    [InlineData("GET", "/", 404)]
    [InlineData("GET", "/health/live", 404)]
    [InlineData("POST", "/api/v1/auth/login", 404)]
    [InlineData("GET", "/metrics/solid-cache", 404)]
    public async Task Prometheus_address_serves_metrics_and_nothing_else(string method, string path, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_service.MetricsUrl, path));
        using var answer = await _service.Process.Http.SendAsync(request, Ct);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    // Keep one more instrument in Measured, rename one, give one another label, or leave a row out of the page, and this names it (tried: the pool's threads as a counter).
    [Fact]
    public async Task The_page_explains_every_metric_with_its_labels_and_no_other()
    {
        await MixedLoad.RunAsync(_service, () => Task.FromResult(true), Ct);
        await ScrapedAsync("solid_cache_entries");
        var exposed = Exposed(await _service.ScrapeAsync(Ct));
        var page = Documented();
        Assert.Empty(exposed.Keys.Except(page.Keys, StringComparer.Ordinal));
        Assert.Empty(page.Where(row => !row.Value.IsFromTheFirst && !exposed.ContainsKey(row.Key)).Select(row => row.Key));
        foreach (var (name, labels) in exposed) Assert.True(labels.IsSubsetOf(page[name].Labels), $"{name} has {string.Join(", ", labels)}");
    }

    [Fact]
    public async Task Promtool_finds_no_fault_in_names_and_types()
    {
        await MixedLoad.RunAsync(_service, () => Task.FromResult(true), Ct);
        Assert.Equal("", await PrometheusServer.CheckAsync(["check", "metrics"], await _service.ScrapeAsync(Ct), Ct));
    }

    // With the path for the pattern this grows by a series for each of them.
    [Fact]
    public async Task Strangers_cannot_make_series()
    {
        await AskAsync(0, 5);
        var before = await CountAsync();
        Assert.InRange(before, 3, 20);
        await AskAsync(5, 200);
        Assert.Equal(before, await CountAsync());

        async Task AskAsync(int from, int to)
        {
            for (var i = from; i < to; i++)
            {
                using var lost = await _service.Process.Http.GetAsync(new Uri($"/nothing/{i}/here", UriKind.Relative), Ct);
                using var odd = await _service.SendAsync(new HttpMethod($"M{i}"), "/api/v1/users/1", Ct);
                using var user = await _service.SendAsync(HttpMethod.Get, $"/api/v1/users/{900_000 + i}", Ct);
            }
        }

        // What these requests are answered with. A stream or log-in of another test may be counted late, as the answer it was.
        async Task<int> CountAsync() => (await _service.ScrapeAsync(Ct)).Split('\n').Count(line =>
            line.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal) && StatusOfAStranger().IsMatch(line));
    }

    // Without the turn two of them write into one text.
    [Fact]
    public async Task Scrapes_at_once_are_whole()
    {
        var texts = await Race.RunAsync(8, i => _service.ScrapeAsync(Ct, asOpenMetrics: i % 2 == 0));
        Assert.All(texts, text => Assert.Equal(1, text.Split('\n').Count(line => line.StartsWith("# TYPE solid_cache_lease_held ", StringComparison.Ordinal))));
        Assert.Equal(4, texts.Count(text => text.EndsWith("\n# EOF\n", StringComparison.Ordinal)));
    }

    // T49: neither in a label nor anywhere else.
    [Fact]
    public async Task No_secret_and_nobody_is_in_it()
    {
        await MixedLoad.RunAsync(_service, () => Task.FromResult(true), Ct);
        var text = await _service.ScrapeAsync(Ct, asOpenMetrics: true);
        string[] secrets = [Account.StandardPassword, _service.Administrator.AccessToken, _service.Administrator.RefreshToken, "@example.com", "Password=", "Host="];
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Switched_off_nothing_is_measured()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Telemetry:Enabled", "false")]);
        var admin = await node.AddAdministratorAsync("root", Ct);
        using var answer = await admin.SendAsync(HttpMethod.Get, "/metrics", body: null, Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync(Ct));
    }

    private Task ScrapedAsync(string name) => Eventually.TrueAsync(
        async () => (await _service.ScrapeAsync(Ct)).Contains($"\n{name} ", StringComparison.Ordinal), TimeSpan.FromSeconds(10));

    private static Dictionary<string, HashSet<string>> Exposed(string text)
    {
        var labelsOf = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        string family = "", type = "";
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                (family, type) = (line.Split(' ')[2], line.Split(' ')[3]);
                labelsOf[family] = new HashSet<string>(StringComparer.Ordinal);
            }
            else if (line[0] != '#')
            {
                foreach (Match label in Label().Matches(line)) if (type != "histogram" || label.Groups["key"].Value != "le") labelsOf[family].Add(label.Groups["key"].Value);
            }
        }

        return labelsOf;
    }

    private static Dictionary<string, (HashSet<string> Labels, bool IsFromTheFirst)> Documented()
    {
        var page = File.ReadAllText(Path.Combine(PrometheusServer.Repository(), "docs", "operate", "metrics.md"));
        var rows = new Dictionary<string, (HashSet<string>, bool)>(StringComparer.Ordinal);
        foreach (var row in page.Split('\n').Select(line => line.Split('|')).Where(cells => cells.Length == 6 && cells[2].Trim() is "counter" or "gauge" or "histogram"))
        {
            var isOptional = row[4].Contains("*From the first.*", StringComparison.Ordinal);
            foreach (Match name in Name().Matches(row[1])) rows.Add(name.Groups["name"].Value, ([.. Name().Matches(row[3]).Select(label => label.Groups["name"].Value)], isOptional));
        }

        Assert.True(rows.Count > 50, $"only {rows.Count} metrics");
        return rows;
    }

    [GeneratedRegex("""[{,](?<key>[a-z_]+)=""")]
    private static partial Regex Label();

    [GeneratedRegex("""http_response_status_code="40[45]"[,}]""")]
    private static partial Regex StatusOfAStranger();

    [GeneratedRegex("`(?<name>[a-z_]+)`")]
    private static partial Regex Name();
}
