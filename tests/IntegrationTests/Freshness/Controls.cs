using IntegrationTests.SolidCache.Freshness;
using SolidCache.Freshness;

namespace IntegrationTests.Freshness;

/// <summary>Runs without a part of the protocol, each made so that the part is missed: the judge must find a stale answer.</summary>
internal static class Controls
{
    public static readonly IReadOnlyList<Mechanisms> OnAnyServer =
        [Mechanisms.Stamp, Mechanisms.Lease, Mechanisms.Registration, Mechanisms.Barrier, Mechanisms.NothingChangedWait, Mechanisms.Pruning];

    // Chance decides when the hole is met, and on a busy machine seconds are few checks.
    private const int Attempts = 4;

    // The place that does nothing but answer, where one is chosen.
    private const int Idle = 2;

    // So long that a process which was stopped for a moment still trusts what it knows.
    private const double LongLease = 2;

    /// <summary>Tries until something is found.</summary>
    public static async Task<Findings> UntilStaleAsync(Func<int, Task<Findings>> run)
    {
        var findings = await run(0);
        for (var attempt = 1; findings.Stale == 0 && attempt < Attempts; attempt++) findings = await run(attempt);
        return findings;
    }

    public static async Task<Findings> RunAsync(Mechanisms disabled, string connectionString, int seed, CancellationToken ct)
    {
        await using var run = await FreshnessRun.StartAsync(connectionString, SetupFor(disabled, seed), ct);
        if (disabled == Mechanisms.Pruning)
        {
            await MissWhatWasPrunedAsync(run, ct);
            return await run.EndAsync();
        }

        run.BeginLoad();
        var faults = new Faults(run, ct);
        await run.ForAsync(0.5, ct);
        if (disabled == Mechanisms.NothingChangedWait)
        {
            await faults.KillBeforeBarrierAsync();
        }
        else
        {
            for (var i = 0; i < 5 && !run.Judge.HasStale; i++) await run.ForAsync(0.2, ct);
            // Away until everybody else trusts that it says nothing; and when it wakes, it can't ask.
            if (!run.Judge.HasStale) await faults.StopAsync(0, untilAnswered: true, cut: true);
        }

        return await run.EndAsync();
    }

    /// <summary>
    /// After a crash PostgreSQL uses the transaction ids again that no durable commit had written down. A process that had them in its snapshot takes the
    /// changes made under them for known, unless the epoch tells it to begin anew. Nothing else may write meanwhile, so there is no load.
    /// </summary>
    public static async Task<Findings> RunEpochAsync(Mechanisms disabled, int seed, CancellationToken ct)
    {
        // The log is written by commits alone: those that don't ask for it are lost in the crash.
        await using var server = await OwnServer.StartAsync(ct, ("wal_writer_delay", "10s"), ("autovacuum", "off"));
        await using var run = await FreshnessRun.StartAsync(
            server.ConnectionString, new RunSetup(seed, LeaseSeconds: 1, RetentionSeconds: 120, disabled, DisabledAt: Idle, Doomed: 0), ct);
        var (right, chance) = await GrantAsync(run);
        await using (var burn = run.Db.CreateCommand("SELECT pg_current_xact_id()"))
        {
            for (var i = 0; i < 200; i++) await burn.ExecuteNonQueryAsync(ct);
        }

        await run.ForAsync(0.4, ct);   // it polls, and has them in its snapshot
        await AskAsync(run, right, 3);
        await server.CrashAsync(0, ct);
        await run.FlipAsync(right, on: false, chance, run.Fleet.At(0));
        for (var i = 0; i < 10 && !run.Judge.HasStale; i++)
        {
            await run.ForAsync(0.1, ct);
            await AskAsync(run, right, 20);
        }

        return await run.EndAsync();
    }

    /// <summary>
    /// A process is away for longer than the log is kept, though not for longer than what it has in memory lives. Nobody asks it before it has polled: what it
    /// loads then it has loaded anew.
    /// </summary>
    private static async Task MissWhatWasPrunedAsync(FreshnessRun run, CancellationToken ct)
    {
        var (right, chance) = await GrantAsync(run);
        var away = run.Fleet.At(Idle);
        await run.Fleet.PauseAsync(away);
        await run.FlipAsync(right, on: false, chance);
        await run.ForAsync(run.Setup.RetentionSeconds / 4 * 1.4, ct);   // a round of pruning comes every quarter
        await run.Fleet.GoOnAsync(away);
        await run.ForAsync(0.4, ct);
        await AskAsync(run, right, 20);
    }

    private static async Task<(RightSwitch Right, Chance Chance)> GrantAsync(FreshnessRun run)
    {
        var (right, chance) = (run.People.Reserved[0], run.NewChance());
        await run.FlipAsync(right, on: true, chance);
        await AskAsync(run, right, 3);
        return (right, chance);
    }

    private static async Task AskAsync(FreshnessRun run, RightSwitch right, int times)
    {
        for (var i = 0; i < times; i++) await Questions.AskAsync(run, run.Fleet.At(Idle), right, right.Holders[0]);
    }

    private static RunSetup SetupFor(Mechanisms disabled, int seed) => disabled switch
    {
        // What is too old to be judged is not told either, lease or not: so old nothing gets here.
        Mechanisms.Lease => new RunSetup(seed, LeaseSeconds: 0.5, RetentionSeconds: 120, disabled),
        Mechanisms.Pruning => new RunSetup(seed, LeaseSeconds: 0.5, RetentionSeconds: 8, disabled),
        _ => new RunSetup(seed, LongLease, RetentionSeconds: 120, disabled),
    };
}
