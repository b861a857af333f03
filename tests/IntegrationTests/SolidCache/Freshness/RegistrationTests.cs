using Npgsql;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>Whom a change must not forget: found by going through the protocol as a model.</summary>
public class RegistrationTests
{
    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(100)).Token;

    // Open the barrier by the leases known from the last poll while no look at the nodes has succeeded, and it opens after a second here.
    [Fact]
    public async Task A_change_whose_look_at_the_nodes_fails_waits_also_for_one_that_registered_since_the_last_poll()
    {
        await using var server = await OwnServer.StartAsync(_ct);
        await using var db = NpgsqlDataSource.Create(server.ConnectionString + ";Maximum Pool Size=2");
        await using var changing = await ManualNode.StartAsync(server.ConnectionString, _ct, o => o.Freshness.Lease = TimeSpan.FromSeconds(1));
        await using var patient = await ManualNode.StartAsync(server.ConnectionString, _ct);   // a lease of a minute
        await using var connection = await db.OpenConnectionAsync(_ct);
        await using var transaction = await connection.BeginTransactionAsync(_ct);
        var revision = await changing.Cache.InvalidateAsync(transaction, ["user:1"], _ct);
        await transaction.CommitAsync(_ct);
        await server.SignalAllAsync("STOP");
        var waiting = changing.Cache.BarrierAsync(revision, _ct).AsTask();
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromSeconds(4), TimeProvider.System, _ct)));
        await server.SignalAllAsync("CONT");
        await Eventually.TrueAsync(() => OwnServer.TryAsync(() => patient.PollAsync(_ct)), TimeSpan.FromSeconds(30));
        await waiting;
    }

    // Leave synchronous_commit as the server has it in register.sql, and the row is gone after the crash.
    [Fact]
    public async Task A_registration_outlives_a_crash_whatever_the_server_does_by_default()
    {
        await using var server = await OwnServer.StartAsync(_ct, ("wal_writer_delay", "10s"), ("autovacuum", "off"), ("synchronous_commit", "off"));
        await using var db = NpgsqlDataSource.Create(server.ConnectionString + ";Maximum Pool Size=2");
        await using (await ManualNode.StartAsync(server.ConnectionString, _ct)) { /* the schema */ }
        await ExecuteAsync(db, "DELETE FROM solid_cache.solid_cache_nodes");
        await ExecuteAsync(db, "CHECKPOINT");
        await using var node = await ManualNode.StartAsync(server.ConnectionString, _ct);
        await server.CrashAsync(0, _ct);
        db.Clear();
        await using var look = db.CreateCommand("SELECT count(*) FROM solid_cache.solid_cache_nodes");
        Assert.Equal(1L, await look.ExecuteScalarAsync(_ct));
    }

    // Remove nodes by clock_timestamp(), or at once after beginning anew, and the change forgets the other node, which goes on telling the old number.
    [Fact]
    public async Task Where_the_servers_clock_is_set_forward_nodes_are_waited_for_all_the_same()
    {
        await using var server = await OwnServer.StartAsync(_ct);
        await using var db = NpgsqlDataSource.Create(server.ConnectionString + ";Maximum Pool Size=2");
        await using var one = await ManualNode.StartAsync(server.ConnectionString, _ct, o => o.Freshness.Lease = TimeSpan.FromSeconds(3));
        await using var other = await ManualNode.StartAsync(server.ConnectionString, _ct, o => o.Freshness.Lease = TimeSpan.FromSeconds(3));
        var subject = new OneSubject(_ct);
        await subject.ChangeAsync(one, db);
        await other.PollAsync(_ct);
        await subject.AskAsync(other, 2);
        // As seen from a clock that was set forward: all that was written before is that much older.
        await ExecuteAsync(db, "UPDATE solid_cache.solid_cache_nodes SET heartbeat_at = heartbeat_at - interval '20 s'");
        await ExecuteAsync(db, "UPDATE solid_cache.solid_cache_incarnation SET began_at = began_at - interval '20 s'");
        await one.PollAsync(_ct);
        await one.PollAsync(_ct);
        await subject.ChangeAsync(one, db);
        await subject.AskAsync(other, 2);
        Assert.Equal(0, subject.Judge().StaleCount);
    }

    private async Task ExecuteAsync(NpgsqlDataSource db, string sql)
    {
        await using var command = db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(_ct);
    }
}
