using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>The server crashes, stands still, is replaced, under load: not one stale answer.</summary>
public class ServerFaultTests(ITestOutputHelper output)
{
    private const int Seed = 7;

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token;
    private readonly Chance _chance = new(Seed);

    // Every crash empties the unlogged tables: a new epoch. Leases of the one before must have run out before anything is answered.
    [Fact]
    public Task The_server_crashes() => RunOnOwnServerAsync("server crashed", async (fleet, server) =>
    {
        for (var round = 0; round < 3; round++)
        {
            await fleet.RunForAsync(1 + (_chance.Next(10) / 10.0));
            await server.CrashAsync(_chance.Next(100), _ct);
        }

        await fleet.RunForAsync(2);
    });

    [Fact]
    public Task The_server_is_stopped_for_longer_than_the_lease() => RunOnOwnServerAsync("server stopped", async (fleet, server) =>
    {
        for (var round = 0; round < 3; round++)
        {
            await fleet.RunForAsync(0.7);
            await server.SignalAllAsync("STOP");
            await fleet.RunForAsync(0.6 + (_chance.Next(10) / 10.0));
            await server.SignalAllAsync("CONT");
        }

        await fleet.RunForAsync(1);
    });

    // Replication is synchronous, so no acknowledged change is lost; the old primary is gone before the new one is one.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_standby_takes_over(bool leaseByHeartbeat)
    {
        await using var folder = new TestFolder();
        await using var server = await OwnServer.StartAsync(_ct);
        await using var pair = await StandbyServer.StartAsync(server, _ct);
        await using var fleet = await Fleet.StartAsync(pair.ConnectionString, folder.Path, _ct, seed: Seed, leaseByHeartbeat: leaseByHeartbeat);
        await fleet.RunForAsync(2);
        await pair.FailOverAsync(_ct);
        await fleet.RunForAsync(4);
        await fleet.PassAsync($"fail-over{(leaseByHeartbeat ? ", leases by heartbeat" : "")}", output);
    }

    private async Task RunOnOwnServerAsync(string name, Func<Fleet, OwnServer, Task> course)
    {
        await using var folder = new TestFolder();
        await using var server = await OwnServer.StartAsync(_ct);
        await using var fleet = await Fleet.StartAsync(server.ConnectionString, folder.Path, _ct, seed: Seed);
        await course(fleet, server);
        await fleet.PassAsync(name, output);
    }
}
