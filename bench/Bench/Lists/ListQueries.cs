using System.Diagnostics;
using AuthService.Client;
using Bench.Http;
using static Bench.Figures;

namespace Bench.Lists;

/// <summary>How long one caller waited for a list.</summary>
internal sealed record ListTimes(List<double> Milliseconds, long? Total)
{
    public double P50 => Median(Milliseconds);
    public double P99 => Percentile(Milliseconds, 0.99);
}

/// <summary>An administrator who asks a node of its own for lists of accounts.</summary>
internal sealed class ListQueries : IAsyncDisposable
{
    public const int PageLength = 50;

    private const int WarmUp = 10;

    private readonly ServerProcess _service;
    private readonly string _administrator;

    private ListQueries(ServerProcess service, string administrator) => (_service, _administrator) = (service, administrator);

    public static async Task<ListQueries> StartAsync(Target target)
    {
        await target.MakeKeysAsync();
        using var mint = await SessionMint.CreateAsync(target, 1);
        var administrator = await mint.AdministratorAsync();
        return new ListQueries(await target.StartAsync(), administrator);
    }

    /// <summary>Page 10,000, or the last one where there are fewer accounts.</summary>
    /// <returns>As an offset, and as the cursor that leads to it.</returns>
    public async Task<(int Offset, string Cursor)> DeepAsync(int users)
    {
        var offset = Math.Min(10_000 * PageLength, users - PageLength);
        return (offset, (await PageAsync(Text($"offset={offset - PageLength}&limit={PageLength}"))).NextCursor!);
    }

    /// <param name="query">Of <c>GET /api/v1/users</c>.</param>
    public async Task<ListTimes> TimeAsync(string query, int calls)
    {
        var times = new List<double>();
        long? total = 0;
        for (var i = 0; i < WarmUp + calls; i++)
        {
            var started = Stopwatch.GetTimestamp();
            total = (await PageAsync(query)).Total;
            if (i >= WarmUp) times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        return new ListTimes(times, total);
    }

    public async Task<(long Lines, double Seconds, long BytesBefore, long PeakBytes)> ExportAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/v1/users/export", UriKind.Relative));
        request.Headers.Authorization = new("Bearer", _administrator);
        var before = _service.ResidentBytes();
        var (started, lines, peak) = (Stopwatch.GetTimestamp(), 0L, before);
        using var answer = (await _service.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead)).EnsureSuccessStatusCode();
        await using var body = await answer.Content.ReadAsStreamAsync();
        var buffer = new byte[1 << 20];
        while (await body.ReadAsync(buffer) is > 0 and var count)
        {
            lines += buffer.AsSpan(0, count).Count((byte)'\n');
            peak = Math.Max(peak, _service.ResidentBytes());
        }

        return (lines, Stopwatch.GetElapsedTime(started).TotalSeconds, before, peak);
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    private async Task<Page<UserSummary>> PageAsync(string query)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/v1/users?" + query, UriKind.Relative));
        request.Headers.Authorization = new("Bearer", _administrator);
        using var answer = (await _service.Http.SendAsync(request)).EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.PageUserSummary))!;
    }
}
