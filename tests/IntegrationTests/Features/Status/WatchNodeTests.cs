using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using AuthService.Features.Status;

namespace IntegrationTests.Features.Status;

/// <summary>The page in the browser: <c>./dev screenshots</c>.</summary>
public class WatchNodeTests(Servers servers) : IClassFixture<Servers>
{
    private const string Path = "/admin/status/stream";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private CancellationToken Ct => servers.TestTimeout;

    // Loosen the policy in StatusEndpoints, or write a script or style into the page, and this fails.
    [Fact]
    public async Task The_page_and_its_files_are_for_anybody_are_all_there_is_to_it_and_name_nothing_from_elsewhere()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        foreach (var (path, type) in new[] { ("/status", "text/html"), ("/status/status.css", "text/css"), ("/status/status.js", "text/javascript"), ("/status/icon.svg", "image/svg+xml") })
        {
            using var answer = await node.Http.GetAsync(new Uri(path, UriKind.Relative), Ct);
            Assert.Equal((path, HttpStatusCode.OK, type), (path, answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
            var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            var text = await answer.Content.ReadAsStringAsync(Ct);
            Assert.DoesNotMatch("""\son[a-z]+=|\sstyle=|<script(?![^>]* src="/status/)|<style|innerHTML|eval\(|localStorage|sessionStorage|document\.cookie""", text);
            Assert.DoesNotMatch("https?://(?!www\\.w3\\.org/)", text);

            using var again = new HttpRequestMessage(HttpMethod.Get, path);
            again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
            using var unchanged = await node.Http.SendAsync(again, Ct);
            Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        }
    }

    // The figures are the node's own: count nothing in WatchNode.Answered and this fails.
    [Fact]
    public async Task An_administrator_sees_what_the_node_does()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await using var other = await Node.StartAsync(database, Ct, node.MasterKey);
        var watcher = await node.AddAccountAsync("watcher", Ct, "system:admin");
        await using var stream = await StatusStream.OpenAsync(watcher, Ct);
        var first = await stream.NextAsync();
        Assert.Equal((1, 0), (node.Services.GetRequiredService<WatchNode>().Watchers, other.Services.GetRequiredService<WatchNode>().Watchers));
        for (var i = 0; i < 7; i++) Assert.Equal(HttpStatusCode.OK, await watcher.SendAsync(HttpMethod.Get, "/api/v1/users/profile", body: null, Ct).StatusAsync());
        for (var i = 0; i < 3; i++) Assert.Equal(HttpStatusCode.OK, await watcher.SendAsync(HttpMethod.Get, "/api/v1/users/profile", body: null, Ct, other).StatusAsync());

        var status = await stream.NextAsync();
        while (status.GetProperty("requests").GetProperty("total").GetInt64() < 7) status = await stream.NextAsync();
        Assert.Equal(7, status.GetProperty("requests").GetProperty("total").GetInt64());
        var route = Assert.Single(status.GetProperty("routes").EnumerateArray());
        Assert.Equal(("GET /api/v1/users/profile", 7L), (route.GetProperty("route").GetString(), route.GetProperty("count").GetInt64()));
        Assert.True(route.GetProperty("p99_ms").GetDouble() > 0);
        Assert.True(Hits(status) > Hits(first));
        Assert.True(status.GetProperty("freshness").GetProperty("has_lease").GetBoolean());
        Assert.True(status.GetProperty("freshness").GetProperty("lag_ms").GetDouble() >= 0);
        var pool = Assert.Single(status.GetProperty("pools").EnumerateArray());
        Assert.Equal(("primary", 20), (pool.GetProperty("name").GetString(), pool.GetProperty("max").GetInt32()));
        Assert.Equal("disabled", status.GetProperty("redis").GetProperty("state").GetString());
        Assert.True(status.GetProperty("solid_cache").GetProperty("table_bytes").GetInt64() > 0);
        Assert.True(status.GetProperty("node").GetProperty("working_set_bytes").GetInt64() > 0);

        static long Hits(JsonElement status) => status.GetProperty("tiers").EnumerateArray().Sum(t => t.GetProperty("hits").GetInt64());
    }

    // Ask for the right once, before the first event, and the stream goes on.
    [Fact]
    public async Task Nobody_else_does_and_who_loses_the_right_or_the_session_sees_no_more()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        using (var nobody = await node.Http.GetAsync(new Uri(Path, UriKind.Relative), Ct)) Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read", "audit:read");
        using (var refused = await reader.SendAsync(HttpMethod.Get, Path, body: null, Ct)) Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

        var administrator = await node.AddAdministratorAsync("administrator", Ct);
        var loses = await node.AddAccountAsync("loses", Ct, "system:admin");
        var leaves = await node.AddAccountAsync("leaves", Ct, "system:admin");
        await using var first = await StatusStream.OpenAsync(loses, Ct);
        await using var second = await StatusStream.OpenAsync(leaves, Ct);
        await first.NextAsync();
        await second.NextAsync();
        var role = await database.RoleIdAsync("only-loses", Ct);
        using (var revoked = await administrator.SendAsync(HttpMethod.Delete, $"/api/v1/users/{loses.Id}/roles/{role}", body: null, Ct)) Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        using (var left = await leaves.SendAsync(HttpMethod.Post, "/api/v1/auth/logout", body: null, Ct)) Assert.Equal(HttpStatusCode.NoContent, left.StatusCode);
        Assert.InRange(await first.RestAsync(), 0, 2);
        Assert.InRange(await second.RestAsync(), 0, 2);
        await Eventually.TrueAsync(() => node.Services.GetRequiredService<WatchNode>().Watchers == 0, Limit);
    }

    // Leave _stopping out of WriteAsync, and a node with somebody at the page takes its whole time to stop. Forget to give a seat back, and the last line fails.
    [Fact]
    public async Task Only_so_many_watch_and_a_node_that_stops_does_not_wait_for_them()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var node = await Node.StartAsync(database, Ct);
        var watcher = await node.AddAccountAsync("watcher", Ct, "system:admin");
        var streams = new List<StatusStream>();
        for (var i = 0; i < WatchNode.MaxWatchers; i++)
        {
            streams.Add(await StatusStream.OpenAsync(watcher, Ct));
            await streams[i].NextAsync();
        }

        using (var refused = await watcher.SendAsync(HttpMethod.Get, Path, body: null, Ct)) Assert.Equal("status.too_many_watchers", (await refused.ProblemAsync(Ct)).Code);
        await streams[0].DisposeAsync();
        await Eventually.TrueAsync(() => node.Services.GetRequiredService<WatchNode>().Watchers == WatchNode.MaxWatchers - 1, Limit);
        await using (var another = await StatusStream.OpenAsync(watcher, Ct)) await another.NextAsync();

        var rest = streams.Skip(1).Select(s => s.RestAsync()).ToArray();
        await node.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(15), Ct);   // Http:ShutdownTimeout is 20 s
        await Task.WhenAll(rest);
        foreach (var stream in streams) await stream.DisposeAsync();
    }

    private sealed class StatusStream(HttpResponseMessage answer, IAsyncEnumerator<SseItem<string>> events) : IAsyncDisposable
    {
        public static async Task<StatusStream> OpenAsync(Account account, CancellationToken ct)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Path);
            request.Headers.Authorization = new("Bearer", account.Tokens.AccessToken);
            var answer = await account.Node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
            answer.EnsureSuccessStatusCode();
            Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
            return new StatusStream(answer, SseParser.Create(await answer.Content.ReadAsStreamAsync(ct)).EnumerateAsync(ct).GetAsyncEnumerator(ct));
        }

        public async Task<JsonElement> NextAsync()
        {
            Assert.True(await events.MoveNextAsync(), "the stream has ended");
            Assert.Equal("status", events.Current.EventType);
            return JsonElement.Parse(events.Current.Data);
        }

        /// <summary>How many more there were until it ended.</summary>
        public async Task<int> RestAsync()
        {
            var count = 0;
            try
            {
                while (await events.MoveNextAsync()) count++;
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                // As a node that stops may end it.
            }

            return count;
        }

        public async ValueTask DisposeAsync()
        {
            answer.Dispose();
            try
            {
                await events.DisposeAsync();
            }
            catch (Exception e) when (e is IOException or NotSupportedException)
            {
                // In the middle of a read.
            }
        }
    }
}
