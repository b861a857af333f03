using Npgsql;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>What breaks in operation, under load, and the checker afterwards: not one stale answer. Here nodes and connections; the server: <see cref="ServerFaultTests"/>.</summary>
public class FaultTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = LongForm.Limit;
    private readonly Chance _chance = new(LongForm.Seed);

    [Fact]
    public Task Connections_are_cut() => RunAsync("connections cut", async (fleet, db) =>
    {
        for (var i = 0; i < 20; i++)
        {
            await fleet.RunForAsync(0.2);
            await using var cut = db.CreateCommand(
                $"SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY md5(pid::text || {_chance.Next(1000)}) LIMIT {1 + _chance.Next(3)}) p");
            await cut.ExecuteNonQueryAsync(_ct);
        }
    });

    // A transaction that is open for longer than the retention: its row in the log is old when it becomes visible, and must be there.
    [Fact]
    public Task Transactions_stay_open_for_longer_than_the_retention() => RunAsync("long transactions", async (fleet, db) =>
    {
        await using var idle = await db.OpenConnectionAsync(_ct);
        await using var open = await idle.BeginTransactionAsync(_ct);
        await ExecuteAsync(idle, "SELECT pg_current_xact_id()");

        await using var busy = await db.OpenConnectionAsync(_ct);
        await using var change = await busy.BeginTransactionAsync(_ct);
        await ExecuteAsync(busy, $"UPDATE grants SET seq = seq + 1 WHERE subject = {NodeSetup.Subjects}");
        await ExecuteAsync(busy, $"SELECT solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('user:{NodeSetup.Subjects}')])");
        await fleet.RunForAsync(7);
        await change.CommitAsync(_ct);
        Assert.True((await fleet.TellAsync(1, "retry", 0, 2)).Done);
        await fleet.RunForAsync(0.5);
    });

    // For longer than the lease; than the registration lives (twice the lease and a second); than the retention.
    [Theory]
    [InlineData(0.8)]
    [InlineData(2.5)]
    [InlineData(6.0)]
    public Task A_node_is_stopped(double seconds) => RunAsync($"a node stopped for {seconds} s", async (fleet, _) =>
    {
        for (var round = 0; round < (seconds < 1 ? 4 : 1); round++)
        {
            await fleet.RunForAsync(0.3);
            var node = _chance.Next(3);
            await fleet.PauseAsync(node);
            await fleet.RunForAsync(seconds);
            await fleet.GoOnAsync(node);
        }

        await fleet.RunForAsync(1);
    });

    [Fact]
    public Task A_node_is_killed_between_commit_and_barrier_and_another_answers() => RunAsync("killed between commit and barrier", async (fleet, _) =>
    {
        for (var round = 0; round < 2; round++)
        {
            await fleet.RunForAsync(0.5);
            var node = _chance.Next(3);
            var (_, seq) = await fleet.TellAsync(node, "abandon", round);
            await fleet.KillAsync(node);
            Assert.True((await fleet.TellAsync((node + 1 + _chance.Next(2)) % 3, "retry", round, seq)).Done);
            await fleet.RunForAsync(0.5);
            await fleet.AddAsync(node);
        }

        await fleet.RunForAsync(0.5);
    });

    private async Task RunAsync(string name, Func<Fleet, NpgsqlDataSource, Task> course)
    {
        await using var folder = new TestFolder();
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var fleet = await Fleet.StartAsync(database.ConnectionString, folder.Path, _ct, seed: LongForm.Seed);
        await course(fleet, database.DataSource);
        await fleet.PassAsync(name, output);
    }

    private async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(_ct);
    }
}
