using System.Net;

namespace IntegrationTests.Telemetry;

/// <summary>What a collector gets.</summary>
public class OtlpTests(Servers servers) : IClassFixture<Servers>
{
    private const string Marker = "a password nobody else has 7f3a";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly CancellationToken _ct = servers.TestTimeout;

    // Suppress the flow of traces in LaneQueue, or take a source out of TraceSources, and the chain is not whole.
    [Fact]
    public async Task A_collector_gets_metrics_and_traces_from_the_request_through_the_cache_to_SQL()
    {
        await using var collector = await OtlpCollector.StartAsync(_ct);
        await using var service = await StartAsync(collector);
        var user = await service.Database.AddUserAsync("anna", _ct);
        var request = await TraceOfAsync(service, HttpMethod.Get, $"/api/v1/users/{user}");

        await Eventually.TrueAsync(() => collector.Spans.Any(span => span.Trace == request && span.Source == "Microsoft.AspNetCore"), Limit);
        var trace = collector.Spans.Where(span => span.Trace == request).ToList();
        var root = Assert.Single(trace, span => span.Source == "Microsoft.AspNetCore");
        Assert.Equal("GET /api/v1/users/{id:long}", root.Name);
        var load = trace.First(span => span.Name == "solid_cache.load");
        Assert.True(trace.Exists(span => span.Source == "Npgsql" && Ancestors(trace, span).IsSupersetOf([load.Id, root.Id])), string.Join('\n', trace));
        // Of the requests a batch carries one has the statement in its trace: some waits of this request are without one.
        var lanes = trace.Where(span => span.Name == "solid_cache.lane").Select(span => span.Id).ToHashSet(StringComparer.Ordinal);
        Assert.True(trace.Exists(span => span.Source == "Npgsql" && lanes.Contains(span.Parent)), string.Join('\n', trace));
        Assert.All(trace.Where(span => span.Source == "Npgsql"), span => Assert.Matches(@"^(\w+/)*\w+\.\w+$", span.Name));

        string[] names = ["http.server.request.duration", "solid_cache.hits", "solid_cache.poll.age", "permissions_cache_hits", "db_pool_size", "db.client.operation.duration", "dotnet.process.cpu.time"];
        await Eventually.TrueAsync(() => names.All(collector.Metrics.ContainsKey), Limit);

        // From the figure to the trace: the sample says which request it was.
        await Eventually.TrueAsync(async () => (await service.ScrapeAsync(_ct, asOpenMetrics: true)).Contains($"trace_id=\"{request}\"", StringComparison.Ordinal), Limit);
    }

    // What a node asks of its own accord, ten times a second, would be most of what is sent.
    [Fact]
    public async Task Only_requests_begin_traces()
    {
        await using var collector = await OtlpCollector.StartAsync(_ct);
        await using var service = await StartAsync(collector);
        var request = await TraceOfAsync(service, HttpMethod.Get, "/api/v1/me/permissions");
        await Eventually.TrueAsync(() => collector.Spans.Any(span => span.Trace == request && span.Source == "Microsoft.AspNetCore"), Limit);
        Assert.All(collector.Spans.Where(span => span.Parent.Length == 0), span => Assert.Equal("Microsoft.AspNetCore", span.Source));
    }

    // T49. Leave StatementNames out and the texts of statements are in it; put a body or a key into a tag and this finds it.
    [Fact]
    public async Task No_secret_and_no_text_of_a_statement_is_in_what_is_sent()
    {
        await using var collector = await OtlpCollector.StartAsync(_ct);
        await using var service = await StartAsync(collector);
        using (var registered = await service.Process.Http.RegisterAsync("anna", Marker, _ct)) Assert.True(registered.IsSuccessStatusCode);
        using (var taken = await service.Process.Http.RegisterAsync("anna", Marker, _ct)) Assert.True(taken.IsSuccessStatusCode);
        using (var wrong = await service.Process.Http.LogInAsync("anna@example.com", Marker + " not", _ct)) Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        var anna = await service.Process.Http.LogInAsync("anna@example.com", Marker, _ct).TokensAsync(_ct);
        var renewed = await service.Process.Http.RefreshAsync(anna.RefreshToken, _ct).TokensAsync(_ct);
        using (var changed = await service.SendAsync(
            renewed, HttpMethod.Post, "/api/v1/auth/password/change", _ct, new { current_password = Marker, new_password = Marker + " new" })) Assert.True(changed.IsSuccessStatusCode, changed.ToString());
        var last = await TraceOfAsync(service, HttpMethod.Get, "/api/v1/users?search=anna@example.com");
        await Eventually.TrueAsync(() => collector.Spans.Any(span => span.Trace == last && span.Source == "Microsoft.AspNetCore"), Limit);

        string[] secrets = [Marker, anna.AccessToken, anna.RefreshToken, renewed.AccessToken, renewed.RefreshToken, "anna@example.com", "permissions:user:", "SELECT ", "Password="];
        var sent = string.Concat(collector.Bodies);
        Assert.True(collector.Spans.Count > 20, $"only {collector.Spans.Count} spans");
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, sent, StringComparison.Ordinal));
    }

    private Task<WatchedService> StartAsync(OtlpCollector collector) => WatchedService.StartAsync(
        servers, _ct, $"--Telemetry:OtlpEndpoint={collector.Address}", "--Telemetry:OtlpInterval=00:00:01", "--Telemetry:TraceSampleRatio=1");

    /// <summary>Sends a request that says which trace it belongs to.</summary>
    private async Task<string> TraceOfAsync(WatchedService service, HttpMethod method, string path)
    {
        var trace = System.Diagnostics.ActivityTraceId.CreateRandom().ToHexString();
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new("Bearer", service.Administrator.AccessToken);
        request.Headers.Add("traceparent", $"00-{trace}-{System.Diagnostics.ActivitySpanId.CreateRandom().ToHexString()}-01");
        using var answer = await service.Process.Http.SendAsync(request, _ct);
        answer.EnsureSuccessStatusCode();
        return trace;
    }

    private static HashSet<string> Ancestors(List<ReceivedSpan> trace, ReceivedSpan span)
    {
        var above = new HashSet<string>(StringComparer.Ordinal);
        for (var at = span; at is not null && above.Add(at.Parent); at = trace.FirstOrDefault(other => other.Id == at.Parent)) continue;
        return above;
    }
}
