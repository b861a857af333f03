using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Threading.Channels;
using AuthService.Client;

namespace IntegrationTests.Deploy;

/// <summary>
/// People who refresh, ask for rights and look at their profile: a request is sent whenever its moment has come, whatever became of those before it. Each
/// session has one request under way at most, as a client would; where all of them wait for answers, the request waits for one of them.
/// </summary>
internal sealed class PacedLoad(HttpClient http, IReadOnlyList<TokenResponse> sessions, int perSecond)
{
    private readonly Channel<TokenResponse> _idle = ChannelOf(sessions);
    private readonly ConcurrentQueue<string> _failures = [];
    private readonly ConcurrentDictionary<string, long> _answered = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _kinds = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<double> _milliseconds = [];

    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Requests that were answered, by the node that did.</summary>
    public IReadOnlyDictionary<string, long> Answered => _answered;

    /// <summary>Requests that were answered, by kind.</summary>
    public IReadOnlyDictionary<string, long> Kinds => _kinds;

    public double Percentile(double part)
    {
        double[] sorted = [.. _milliseconds.Order()];
        return sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * part)];
    }

    /// <summary>Goes on until <paramref name="end"/>, then waits for the answers.</summary>
    public async Task RunAsync(CancellationToken end, CancellationToken ct)
    {
        var (began, sent) = (Stopwatch.GetTimestamp(), 0L);
        var running = new List<Task>();
        while (!end.IsCancellationRequested)
        {
            for (var due = (long)(Stopwatch.GetElapsedTime(began).TotalSeconds * perSecond); sent < due; sent++) running.Add(SendAsync(sent, ct));
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, ct);
        }

        await Task.WhenAll(running);
    }

    private async Task SendAsync(long number, CancellationToken ct)
    {
        var session = await _idle.Reader.ReadAsync(ct);
        var kind = (number % 10) switch { < 3 => "POST refresh", < 7 => "POST check", < 9 => "GET permissions", _ => "GET profile" };
        var began = Stopwatch.GetTimestamp();
        try
        {
            using var request = RequestOf(kind, session);
            using var answer = await http.SendAsync(request, ct);
            if (!answer.IsSuccessStatusCode) _failures.Enqueue($"{kind}: {answer.StatusCode} " + await answer.Content.ReadAsStringAsync(ct));
            else if (kind == "POST refresh") session = (await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, ct))!;
            _milliseconds.Enqueue(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            _kinds.AddOrUpdate(kind, 1, static (_, n) => n + 1);
            if (answer.Headers.TryGetValues("X-Node", out var nodes)) _answered.AddOrUpdate(nodes.First().Split(", ")[^1], 1, static (_, n) => n + 1);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            _failures.Enqueue($"{kind}: {e.Message} {e.InnerException?.Message}");
        }

        _idle.Writer.TryWrite(session);
    }

    private static Channel<TokenResponse> ChannelOf(IReadOnlyList<TokenResponse> sessions)
    {
        var idle = Channel.CreateUnbounded<TokenResponse>();   // holds what there is: the sessions
        foreach (var session in sessions) idle.Writer.TryWrite(session);
        return idle;
    }

    private static HttpRequestMessage RequestOf(string kind, TokenResponse session)
    {
        var request = kind switch
        {
            "POST refresh" => new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/refresh")
            {
                Content = JsonContent.Create(new RefreshRequest { RefreshToken = session.RefreshToken }, WireJson.Default.RefreshRequest),
            },
            "POST check" => new HttpRequestMessage(HttpMethod.Post, "/api/v1/authz/check")
            {
                Content = JsonContent.Create(new CheckRequest { Permission = "users:read" }, WireJson.Default.CheckRequest),
            },
            "GET permissions" => new HttpRequestMessage(HttpMethod.Get, "/api/v1/me/permissions"),
            _ => new HttpRequestMessage(HttpMethod.Get, "/api/v1/users/profile"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", session.AccessToken);
        return request;
    }
}
