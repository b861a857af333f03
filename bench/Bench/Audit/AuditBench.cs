using System.Diagnostics;
using Npgsql;
using Spectre.Console;
using static Bench.Figures;

namespace Bench.Audit;

/// <summary>The audit trail's seals: how many a second, how late under load, and what it takes to check them all, at three sizes.</summary>
internal static class AuditBench
{
    private static readonly int[] Sizes = [10_000, 100_000, 1_000_000];
    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    // As a refresh writes them, one in ten a change by an administrator.
    private const string Insert =
        """
        INSERT INTO audit_events (id, ts, type, actor_type, actor_id, session_id, target_type, target_id, outcome, reason, diff, ip, user_agent, request_id)
        SELECT gen_random_uuid(), clock_timestamp(), CASE WHEN n % 10 = 0 THEN 'authz_change' ELSE 'session_renewed' END, 'user', n % 1000, gen_random_uuid(),
               CASE WHEN n % 10 = 0 THEN 'user' END, CASE WHEN n % 10 = 0 THEN (n % 1000)::text END, 'success', CASE WHEN n % 10 = 0 THEN 'grant clerk' END,
               CASE WHEN n % 10 = 0 THEN '{"changed":["phone"]}'::jsonb END, '192.0.2.7', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', md5(n::text)
        FROM   generate_series(1, $1) n
        """;

    public static async Task<int> RunAsync()
    {
        await using var target = await Target.CreateAsync(1_000);
        var table = new Table().AddColumns("events in all", "sealed per second", "verify: events per second", "verify: s", "verify: largest memory, MiB");
        long there = 0;
        foreach (var size in Sizes)
        {
            await AddAsync(target, (int)(size - there));
            there = size;
            double seconds, begun;
            await using (await target.StartAsync())
            {
                var started = Stopwatch.GetTimestamp();
                begun = await target.ReadAsync<long>("SELECT number FROM audit_chain");
                await target.UntilSealedAsync();
                seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            }

            var rate = (await target.ReadAsync<long>("SELECT number FROM audit_chain") - begun) / seconds;
            var (took, memory) = await VerifyAsync(target);
            table.AddRow(Text($"{size:N0}"), rate > 0 ? Text($"{rate:N0}") : "all before the first look", Text($"{size / took:N0}"), Text($"{took:F1}"), Text($"{memory / 1048576.0:N0}"));
        }

        Tables.Write(table);

        var delays = new Table().AddColumns("events written per second", "seal after event, median ms", "99 % within ms", "longest ms");
        await using (await target.StartAsync())
        {
            foreach (var batch in new[] { 1, 20, 200 })
            {
                var from = await target.ReadAsync<DateTime>("SELECT clock_timestamp()");
                var (started, written) = (Stopwatch.GetTimestamp(), 0L);
                while (Stopwatch.GetElapsedTime(started) < LoadTime)
                {
                    await AddAsync(target, batch);
                    written += batch;
                    await Task.Delay(Look, TimeProvider.System);
                }

                var rate = written / Stopwatch.GetElapsedTime(started).TotalSeconds;
                await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
                await using var command = target.Db.CreateCommand(
                    "SELECT percentile_cont(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY extract(epoch FROM s.sealed_at - s.event_ts)::float8 * 1000) FROM audit_seals s WHERE s.event_ts >= $1");
                command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = from });
                var figures = (double[])(await command.ExecuteScalarAsync())!;
                delays.AddRow(Text($"{rate:N0}"), Text($"{figures[0]:N0}"), Text($"{figures[1]:N0}"), Text($"{figures[2]:N0}"));
            }
        }

        Tables.Write(delays);
        return 0;
    }

    private static async Task AddAsync(Target target, int count)
    {
        await using var command = target.Db.CreateCommand(Insert);
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<(double Seconds, long Bytes)> VerifyAsync(Target target)
    {
        var (started, largest) = (Stopwatch.GetTimestamp(), 0L);
        await using var run = target.Start("audit", "verify");
        while (!run.HasExited)
        {
            try
            {
                largest = Math.Max(largest, run.ResidentBytes());
            }
            catch (InvalidOperationException)
            {
                break;   // it has just ended
            }

            await Task.Delay(Look, TimeProvider.System);
        }

        if (await run.EndAsync() is not 0) throw new InvalidOperationException($"audit verify failed. {run.LastWords}");
        return (Stopwatch.GetElapsedTime(started).TotalSeconds, largest);
    }
}
