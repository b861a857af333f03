using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using AuthService.Client;
using Bench.Peers;

namespace Bench.Http;

/// <summary>
/// What Redis is worth and what its loss costs: a cold node beside warm ones, a revocation on three nodes, each with and without; and a minute of load
/// in which Redis goes, comes and goes.
/// </summary>
internal static class RedisPart
{
    public const string Name = "redis";

    private const int Changes = 300;
    private const int Subjects = 10_000;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ColdTime = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Phase = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(Scene scene)
    {
        var folder = scene.Target.InFolder("redis");
        var redis = await RedisServer.StartAsync(folder);
        if (redis is null)
        {
            scene.Report.Detail("everything with Redis", $"Redis is not installed");
            return;
        }

        var url = ("ConnectionStrings__Redis", redis.Url);
        var subjects = await scene.Target.ReadAsync<long[]>($"SELECT ARRAY(SELECT id FROM users ORDER BY id LIMIT {Subjects})");
        await ColdAsync(scene, "without Redis", subjects);
        await ColdAsync(scene, "with Redis", subjects, url);
        await RevokeAsync(scene, "without Redis");
        await RevokeAsync(scene, "with Redis", url);
        await ComeAndGoAsync(scene, redis, folder, subjects, url);
    }

    /// <summary>A node that has loaded nothing joins one that has loaded all: accounts it had to load from PostgreSQL, and statements for that.</summary>
    private static async Task ColdAsync(Scene scene, string which, long[] subjects, params (string, string)[] settings)
    {
        await using var warm = await scene.Target.StartAsync(settings);
        await AskAsync(scene, warm, subjects, Stopwatch.GetTimestamp() + (long)(ColdTime.TotalSeconds * Stopwatch.Frequency), inOrder: true);
        await using var cold = await scene.Target.StartAsync([.. settings, ("PermissionCache__WarmUpUsers", "0")]);
        var began = Stopwatch.GetTimestamp();
        var progress = new Progress();
        var loads = AskAsync(scene, cold, subjects, began + (long)(ColdTime.TotalSeconds * Stopwatch.Frequency), progress: progress);
        var (first, last) = (await LoadedAsync(scene), (Rows: 0L, Calls: 0L));
        last = first;
        TimeSpan? steady = null;
        var requests = 0L;
        while (!loads.IsCompleted)
        {
            await Task.Delay(Slice, TimeProvider.System);
            var (now, asked) = (await LoadedAsync(scene), Interlocked.Read(ref progress.Asked));
            if (steady is null && asked - requests > 100 && now.Rows - last.Rows <= (asked - requests) / 10) steady = Stopwatch.GetElapsedTime(began);
            (last, requests) = (now, asked);
        }

        var total = (await loads).Count;
        scene.Report.Detail(
            $"cold node, {which}: statements that load rights, accounts in them, until 90 % were not loaded",
            $"{last.Calls - first.Calls:N0} statements, {last.Rows - first.Rows:N0} accounts of {total:N0} requests; {steady?.TotalSeconds ?? double.NaN:F1} s");
    }

    /// <summary>Questions by the administrator about accounts at random, or each once in order.</summary>
    /// <returns>Times in milliseconds, with the moment they began.</returns>
    private static async Task<List<(long At, double Ms, bool IsGood)>> AskAsync(Scene scene, ServerProcess node, long[] subjects, long until, bool inOrder = false, Progress? progress = null)
    {
        progress ??= new Progress();
        var next = -1;
        var all = new ConcurrentBag<List<(long, double, bool)>>();
        await Task.WhenAll(Enumerable.Range(0, Scene.Connections).Select(_ => Task.Run(async () =>
        {
            var mine = new List<(long, double, bool)>();
            while (Stopwatch.GetTimestamp() < until)
            {
                var which = inOrder ? Interlocked.Increment(ref next) : RandomNumberGenerator.GetInt32(subjects.Length);
                if (which >= subjects.Length) break;
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/api/v1/authz/check", UriKind.Relative));
                request.Headers.Authorization = new("Bearer", scene.Administrator);
                request.Content = JsonContent.Create(new CheckRequest { UserId = subjects[which], Permission = "res1:read" }, WireJson.Default.CheckRequest);
                var started = Stopwatch.GetTimestamp();
                var isGood = false;
                try
                {
                    using var answer = await node.Http.SendAsync(request);
                    isGood = answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    // Counted as failed.
                }

                mine.Add((started, Stopwatch.GetElapsedTime(started).TotalMilliseconds, isGood));
                Interlocked.Increment(ref progress.Asked);
            }

            all.Add(mine);
        })));
        return [.. all.SelectMany(m => m)];
    }

    private static async Task RevokeAsync(Scene scene, string which, params (string, string)[] settings)
    {
        await scene.Target.ExecuteAsync("INSERT INTO roles (name) VALUES ('granted') ON CONFLICT DO NOTHING");
        var role = await scene.Target.ReadAsync<long>("SELECT id FROM roles WHERE name = 'granted'");
        var users = await scene.Target.ReadAsync<long[]>($"SELECT ARRAY(SELECT id FROM users ORDER BY id DESC LIMIT {Changes})");
        await using var first = await scene.Target.StartAsync(settings);
        await using var second = await scene.Target.StartAsync(settings);
        await using var third = await scene.Target.StartAsync(settings);
        ServerProcess[] nodes = [first, second, third];
        await Task.Delay(Settle, TimeProvider.System);
        var times = new List<double>();
        for (var i = 0; i < Changes; i++)
        {
            var node = nodes[i % nodes.Length];
            await scene.TimeMsAsync(node, HttpMethod.Put, $"/api/v1/users/{users[i]}/roles/{role}");
            var revoked = await scene.TimeMsAsync(node, HttpMethod.Delete, $"/api/v1/users/{users[i]}/roles/{role}");
            if (i >= Changes / 10) times.Add(revoked);   // the first of their kind compile
        }

        scene.Report.Detail($"a revocation until 2xx, so on all of 3 nodes, {which}", $"p50 {Figures.Median(times):F2}, p99 {Figures.Percentile(times, 0.99):F2} ms");
    }

    /// <summary>Lives are short, so that Redis is asked all the time.</summary>
    private static async Task ComeAndGoAsync(Scene scene, RedisServer redis, string folder, long[] subjects, (string, string) url)
    {
        await using var node = await scene.Target.StartAsync(url, ("PermissionCache__TimeToLive", "00:00:02"));
        await AskAsync(scene, node, subjects, Stopwatch.GetTimestamp() + (long)(Scene.SecondsToSteadiness * Stopwatch.Frequency));
        var port = redis.Port;
        await redis.DisposeAsync();
        var began = Stopwatch.GetTimestamp();
        var load = AskAsync(scene, node, subjects, began + (long)(3 * Phase.TotalSeconds * Stopwatch.Frequency));
        await Task.Delay(Phase, TimeProvider.System);
        var again = (await RedisServer.StartAsync(folder, port))!;
        await Task.Delay(Phase, TimeProvider.System);
        await again.DisposeAsync();
        var all = await load;
        var phases = Enumerable.Range(0, 3).Select(phase => all.Where(a => (int)(Stopwatch.GetElapsedTime(began, a.At) / Phase) == phase).Select(a => a.Ms).ToArray()).ToArray();
        scene.Report.Detail(
            "60 s of checks with Redis off, on, off: failed; p99 of each phase",
            $"{all.Count(a => !a.IsGood)} of {all.Count:N0}; {Figures.Percentile(phases[0], 0.99):F2}, {Figures.Percentile(phases[1], 0.99):F2}, {Figures.Percentile(phases[2], 0.99):F2} ms");
    }

    /// <summary>Accounts whose rights PostgreSQL was asked for, and in how many statements.</summary>
    private static async Task<(long Rows, long Calls)> LoadedAsync(Scene scene)
    {
        await using var command = scene.Target.Db.CreateCommand("""
            SELECT coalesce(sum(s.rows), 0)::bigint, coalesce(sum(s.calls), 0)::bigint
            FROM   pg_stat_statements s
            WHERE  s.query LIKE '%/* Authorization/Rights.load_role_ids */%'
            """);
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        return (row.GetInt64(0), row.GetInt64(1));
    }

    private sealed class Progress
    {
        public long Asked;
    }
}
