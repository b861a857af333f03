using System.Diagnostics;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>The server crashes, stands still, is replaced, under load: not one stale answer.</summary>
[Trait(TestRun.LongTrait, "yes")]
public class ServerFaultTests(ITestOutputHelper output)
{
    private readonly CancellationToken _ct = LongForm.Limit;
    private readonly Chance _chance = new(LongForm.Seed);

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

    [Fact]
    public Task All_of_it_at_random() => RunOnOwnServerAsync("all faults at random", async (fleet, server) =>
    {
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began).TotalSeconds < LongForm.Seconds;)
        {
            await fleet.RunForAsync(_chance.Next(10) / 10.0);
            var node = _chance.Next(Fleet.Nodes);
            switch (_chance.Next(5))
            {
                case 0:
                    await server.CrashAsync(_chance.Next(100), _ct);
                    break;
                case 1:
                    await fleet.PauseAsync(node);
                    await fleet.RunForAsync(_chance.Next(60) / 10.0);
                    await fleet.GoOnAsync(node);
                    break;
                case 2:   // it sleeps through the end of an epoch
                    await fleet.PauseAsync(node);
                    await server.CrashAsync(_chance.Next(100), _ct);
                    await fleet.RunForAsync(_chance.Next(20) / 10.0);
                    await fleet.GoOnAsync(node);
                    break;
                case 3:
                    await server.SignalAllAsync("STOP");
                    await fleet.RunForAsync(_chance.Next(15) / 10.0);
                    await server.SignalAllAsync("CONT");
                    break;
                default:
                    var reserved = _chance.Next(NodeSetup.Reserved);
                    var (done, seq) = await fleet.TellAsync(node, "abandon", reserved);
                    await fleet.KillAsync(node);
                    if (done) await fleet.TellAsync((node + 1) % Fleet.Nodes, "retry", reserved, seq);
                    await fleet.AddAsync(node);
                    break;
            }
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
        await using var fleet = await Fleet.StartAsync(pair.ConnectionString, folder.Path, _ct, seed: LongForm.Seed, leaseByHeartbeat: leaseByHeartbeat);
        await fleet.RunForAsync(2);
        await pair.FailOverAsync(_ct);
        await fleet.RunForAsync(4);
        await fleet.PassAsync($"fail-over{(leaseByHeartbeat ? ", leases by heartbeat" : "")}", output);
    }

    private async Task RunOnOwnServerAsync(string name, Func<Fleet, OwnServer, Task> course)
    {
        await using var folder = new TestFolder();
        await using var server = await OwnServer.StartAsync(_ct);
        await using var fleet = await Fleet.StartAsync(server.ConnectionString, folder.Path, _ct, seed: LongForm.Seed);
        await course(fleet, server);
        await fleet.PassAsync(name, output);
    }
}
