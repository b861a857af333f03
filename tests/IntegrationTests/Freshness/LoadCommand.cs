using System.Diagnostics;
using System.Globalization;
using IntegrationTests.SolidCache.Freshness;
using SolidCache.Freshness;

namespace IntegrationTests.Freshness;

/// <summary>
/// <c>./dev load freshness [seconds] [seed]</c>: the long form of what the tests of this folder do for seconds. All faults at random, then the controls; ends
/// with 1 if an answer was stale, if one was not to be explained, or if a control found nothing.
/// </summary>
internal static class LoadCommand
{
    private const int DefaultSeconds = 300;
    private const int MaxSeconds = 3000;   // as long as access tokens live
    private const int LongestStop = 30;
    private const int OpenTransactionSeconds = 7;
    private const double FailOverAt = 0.85;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    public static int Explain()
    {
        Console.Error.WriteLine("load soak [seconds] [rate]");
        Console.Error.WriteLine("load metrics [seconds]");
        Console.Error.WriteLine("load jobs [count]");
        Console.Error.WriteLine($"load freshness [seconds, 10 to {MaxSeconds}; default {DefaultSeconds}] [seed]");
        return 2;
    }

    public static async Task<int> RunAsync(string[] args)
    {
        var seconds = DefaultSeconds;
        var seed = 1;
        if (args is not ["freshness", .. { Length: <= 2 } numbers]
            || (numbers.Length > 0 && (!int.TryParse(numbers[0], CultureInfo.InvariantCulture, out seconds) || seconds is < 10 or > MaxSeconds))
            || (numbers.Length > 1 && !int.TryParse(numbers[1], CultureInfo.InvariantCulture, out seed))) return Explain();

        await TestFolder.SweepAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds((3 * seconds) + 300));
        var isFine = await RunAllFaultsAsync(new RunSetup(seed, Doomed: 2 * seconds) { Pace = Pace }, seconds, limit.Token);
        return await RunControlsAsync(seed) && isFine ? 0 : 1;
    }

    private static async Task<bool> RunAllFaultsAsync(RunSetup setup, int seconds, CancellationToken ct)
    {
        await using var server = await OwnServer.StartAsync(ct, ("max_connections", "200"), ("wal_retrieve_retry_interval", "200ms"));
        await using var standby = await StandbyServer.StartAsync(server, ct);
        await using var redis = await RunRedis.StartAsync(ct);
        await using var run = await FreshnessRun.StartAsync(standby.ConnectionString, setup with { Redis = redis.Address }, ct);
        var (faults, serverFaults, chance) = (new Faults(run, ct), new ServerFaults(run, server, ct), run.NewChance());
        var redisFaults = redis.Faults(run, ct);
        run.BeginLoad();
        var began = Stopwatch.GetTimestamp();
        var (openTransactions, redisTrouble) = (OpenTransactionsAsync(), TroubleRedisAsync());
        var hasFailedOver = false;
        while (Left() > 0)
        {
            await run.ForAsync(Math.Min(Left(), 1 + chance.Next(5)), ct);
            if (!hasFailedOver && Left() < seconds * (1 - FailOverAt))
            {
                await serverFaults.FailOverAsync(standby);
                hasFailedOver = true;
            }
            else if (!hasFailedOver && chance.Next(4) == 0)
            {
                await serverFaults.AtRandomAsync();
            }
            else
            {
                await faults.AtRandomAsync(longestStop: (int)Math.Clamp(Left() / 2, 1, LongestStop));
            }
        }

        await openTransactions;
        await redisTrouble;
        var findings = await run.EndAsync();
        var (compared, different) = await run.CompareAsync();
        Print(run, findings, $"freshness, {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s, seed {setup.Seed}");
        Line("rights in memory beside the database", Invariant($"{compared:N0} compared, {different:N0} differ"));
        return findings.Stale == 0 && run.Unexpected.Count == 0 && different == 0;

        double Left() => seconds - Stopwatch.GetElapsedTime(began).TotalSeconds;

        // Beside all the others: nobody may need Redis.
        async Task TroubleRedisAsync()
        {
            while (Left() > 5)
            {
                await redisFaults.AtRandomAsync();
                await run.ForAsync(0.5 + (chance.Next(20) / 10.0), ct);
            }
        }

        async Task OpenTransactionsAsync()
        {
            while (Left() > 2 * OpenTransactionSeconds) await faults.OpenTransactionAsync(OpenTransactionSeconds);
        }
    }

    private static async Task<bool> RunControlsAsync(int seed)
    {
        Console.WriteLine("without");
        var isFine = true;
        foreach (var disabled in Controls.OnAnyServer.Append(Mechanisms.Epoch))
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
            var tries = 0;
            var findings = await Controls.UntilStaleAsync(async attempt =>
            {
                tries = attempt + 1;
                if (disabled == Mechanisms.Epoch) return await Controls.RunEpochAsync(disabled, seed + attempt, limit.Token);
                await using var server = await OwnServer.StartAsync(limit.Token);
                return await Controls.RunAsync(disabled, server.ConnectionString, seed + attempt, limit.Token);
            });
            isFine &= findings.Stale > 0;
            Line("  " + disabled, findings.Stale > 0
                ? Invariant($"caught after {findings.AsksUntilFirst:N0} checks{(tries > 1 ? $" in run {tries}" : "")}, {findings.Stale:N0} stale of {findings.Asks:N0}")
                : Invariant($"NOT CAUGHT in {tries} runs, the last of {findings.Asks:N0} checks"));
        }

        return await RunMacControlAsync(seed) && isFine;
    }

    private static async Task<bool> RunMacControlAsync(int seed)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var findings = await Controls.UntilStaleAsync(async attempt =>
        {
            await using var server = await OwnServer.StartAsync(limit.Token);
            await using var redis = await RunRedis.StartAsync(limit.Token);
            return await RedisFaultTests.RunWithoutMacAsync(server.ConnectionString, redis, seed + attempt, limit.Token);
        });
        Line("  Mac, of entries in Redis", findings.Stale > 0 ? Invariant($"caught after {findings.AsksUntilFirst:N0} checks") : Invariant($"NOT CAUGHT, of {findings.Asks:N0} checks"));
        return findings.Stale > 0;
    }

    private static void Print(FreshnessRun run, Findings findings, string title)
    {
        Console.WriteLine(Invariant($"{title}: {run.Setup.Places} processes, lease {run.Setup.LeaseSeconds} s, retention {run.Setup.RetentionSeconds} s"));
        Line("checks", Number(findings.Asks));
        Line("  beside a change", Number(findings.Undecided));
        Line("  within 50 ms after a change's 2xx", Invariant($"{findings.SoonAfter:N0} at a process that had answered about it before"));
        Line("changes answered", Number(run.Changes.Values.Sum()));
        foreach (var (kind, count) in run.Changes.OrderBy(c => c.Key, StringComparer.Ordinal)) Line("  " + kind, Number(count));
        Line("faults", Number(run.Weather.Faults.Values.Sum()));
        foreach (var (fault, count) in run.Weather.Faults.OrderBy(f => f.Key, StringComparer.Ordinal)) Line("  " + fault, Number(count));
        Line("calls without an answer", Number(run.Failures.Values.Sum()));
        foreach (var (status, count) in run.Failures.OrderBy(f => f.Key, StringComparer.Ordinal)) Line("  " + status, Number(count));
        Line("grant or revoke, all healthy", Latency(run.Weather.Durations(Condition.Healthy)));
        Line("grant or revoke, one process stopped", Latency(run.Weather.Durations(Condition.OneStopped)));
        Line("unexpected answers", Number(run.Unexpected.Count));
        foreach (var unexpected in run.Unexpected.Take(5)) Console.WriteLine("  " + unexpected);
        Line("stale answers", Number(findings.Stale));
        if (findings.First is { } first) Console.WriteLine($"  the first after {findings.AsksUntilFirst} checks: {first}");
        if (run.Failures.ContainsKey("500")) Console.WriteLine(run.Fleet.Log);
    }

    private static string Latency(IReadOnlyList<TimeSpan> durations)
    {
        return durations.Count == 0 ? "none" : Invariant($"p50 {At(0.5):0.0} ms, p99 {At(0.99):0.0} ms, longest {At(1):0.0} ms, of {durations.Count:N0}");

        double At(double part) => durations[(int)Math.Min(durations.Count - 1, durations.Count * part)].TotalMilliseconds;
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static void Line(string what, string value) => Console.WriteLine($"{what,-48} {value}");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
