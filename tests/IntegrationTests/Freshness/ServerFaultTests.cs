using IntegrationTests.SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.Freshness;

/// <summary>PostgreSQL crashes, stands still, is replaced, below the service: not one stale answer.</summary>
public class ServerFaultTests(ITestOutputHelper output)
{
    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token;

    // Every crash empties the unlogged tables: a new epoch. And replication is synchronous, so the standby has every change that was answered.
    [Fact]
    public async Task Nothing_is_stale_while_PostgreSQL_crashes_stands_still_and_is_replaced()
    {
        await using var server = await OwnServer.StartAsync(_ct, ("wal_retrieve_retry_interval", "200ms"));
        await using var standby = await StandbyServer.StartAsync(server, _ct);
        await using var run = await FreshnessRun.StartAsync(standby.ConnectionString, new RunSetup(Seed: 7), _ct);
        var (faults, serverFaults) = (new Faults(run, _ct), new ServerFaults(run, server, _ct));
        run.BeginLoad();
        await run.ForAsync(0.5, _ct);
        await serverFaults.CrashAsync();
        await run.ForAsync(1, _ct);
        // One sleeps through the end of an epoch.
        await Task.WhenAll(faults.StopAsync(1.5), serverFaults.CrashAsync());
        await serverFaults.StopAsync(run.Setup.LeaseSeconds + 0.3);
        await run.ForAsync(0.5, _ct);
        await serverFaults.FailOverAsync(standby);
        await run.ForAsync(2, _ct);
        await run.PassAsync(output);
    }
}
