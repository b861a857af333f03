using System.Diagnostics;
using Bench.Http;
using Spectre.Console;
using static Bench.Figures;

namespace Bench.Events;

/// <summary>Listeners that are open and idle, then told of changes one by one: what each costs a node in memory, and how soon the last of them knows.</summary>
internal static class EventsBench
{
    private const int Changes = 100;

    private static readonly int[] Sizes = [500, 1_000, 2_000, 4_000];
    private static readonly TimeSpan BetweenChanges = TimeSpan.FromMilliseconds(100);

    public static async Task<int> RunAsync()
    {
        await using var target = await Target.CreateAsync(100);
        await using (await target.StartAsync())
        {
        }

        using var mint = await SessionMint.CreateAsync(target, 1);
        var administrator = await mint.AdministratorAsync();
        var (user, role) = (await target.ReadAsync<long>("SELECT min(id) FROM users WHERE username LIKE 'u%'"), await target.ReadAsync<long>("SELECT min(id) FROM roles WHERE NOT is_system AND id NOT IN (SELECT role_id FROM user_roles WHERE user_id = (SELECT min(id) FROM users WHERE username LIKE 'u%'))"));
        var table = new Table().AddColumns("listeners", "resident before", "with them", "KiB each", "grants and revocations p50 / p99 ms", "call to each listener p50 / p99 ms", "told");
        foreach (var size in Sizes)
        {
            await using var service = await target.StartAsync();
            table.AddRow(await MeasureAsync(service, administrator, size, Text($"/api/v1/users/{user}/roles/{role}")));
        }

        Tables.Write(table);
        return 0;
    }

    private static async Task<string[]> MeasureAsync(ServerProcess service, string token, int size, string grant)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = service.Address, Timeout = Timeout.InfiniteTimeSpan };
        // What the first requests of any kind cost is not the listeners'.
        for (var i = 0; i < 20; i++) await ChangeAsync(http, token, grant, i);
        var before = service.ResidentBytes();
        var started = new long[Changes];
        var delays = new List<double>(size * Changes);
        using var stop = new CancellationTokenSource();
        var listeners = new List<Task>();
        for (var i = 0; i < size; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/v1/events", UriKind.Relative));
            request.Headers.Authorization = new("Bearer", token);
            var answer = (await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead)).EnsureSuccessStatusCode();
            listeners.Add(ListenAsync(answer, started, delays, stop.Token));
        }

        var with = service.ResidentBytes();
        var calls = new List<double>();
        for (var i = 0; i < Changes; i++)
        {
            await Task.Delay(BetweenChanges, TimeProvider.System);
            started[i] = Stopwatch.GetTimestamp();
            await ChangeAsync(http, token, grant, i);
            calls.Add(Stopwatch.GetElapsedTime(started[i]).TotalMilliseconds);
        }

        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
        await stop.CancelAsync();
        foreach (var listener in listeners) await listener.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return
        [
            Text($"{size:N0}"), Text($"{before / 1048576.0:F0} MiB"), Text($"{with / 1048576.0:F0} MiB"), Text($"{(with - before) / 1024.0 / size:F1}"),
            Text($"{Median(calls):F1} / {Percentile(calls, 0.99):F1}"), Text($"{Median(delays):F1} / {Percentile(delays, 0.99):F1}"), Text($"{delays.Count:N0} of {(long)size * Changes:N0}"),
        ];
    }

    private static async Task ListenAsync(HttpResponseMessage answer, long[] started, List<double> delays, CancellationToken ct)
    {
        using (answer)
        {
            using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(ct));
            for (var n = 0; n < started.Length;)
            {
                if (await lines.ReadLineAsync(ct) is not { } line) return;
                if (!line.StartsWith("event: change", StringComparison.Ordinal)) continue;
                var delay = Stopwatch.GetElapsedTime(started[n++]).TotalMilliseconds;
                lock (delays) delays.Add(delay);
            }
        }
    }

    /// <summary>Granted and revoked in turn.</summary>
    private static async Task ChangeAsync(HttpClient http, string token, string path, int turn)
    {
        using var request = new HttpRequestMessage(turn % 2 == 0 ? HttpMethod.Put : HttpMethod.Delete, new Uri(path, UriKind.Relative));
        request.Headers.Authorization = new("Bearer", token);
        using var answer = (await http.SendAsync(request)).EnsureSuccessStatusCode();
    }
}
