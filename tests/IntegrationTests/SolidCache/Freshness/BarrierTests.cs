using System.Diagnostics;
using Npgsql;
using SolidCache.Freshness;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>Whom the barrier waits for, seen on nodes that stand still.</summary>
public class BarrierTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Take a node for up to date by its epoch alone and this fails: it opens although this node has not learnt of the change.
    [Fact]
    public async Task A_node_that_began_anew_in_the_same_epoch_must_have_learnt_the_change_first()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await ManualNode.StartAsync(database.ConnectionString, Ct);
        await using var other = await ManualNode.StartAsync(database.ConnectionString, Ct);
        var revision = await CommitAsync(database, other);
        // It is just beginning: its snapshot is from before the commit, its lease not given yet.
        var lease = node.Node.State.Lease;
        node.Node.State.Lease = Lease.None;
        var waiting = node.Cache.BarrierAsync(revision, Ct).AsTask();
        node.Node.State.Lease = lease;
        await other.PollAsync(Ct);   // the other one has
        await Eventually.TrueAsync(() => HasAppliedAsync(database, other, revision), TimeSpan.FromSeconds(10));
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Ct)));
        await node.PollAsync(Ct);
        await waiting;
        Assert.True(node.Node.State.Known.VersionOf(revision.TagHashes[0]) > 0);
    }

    // Trust that there were no nodes where there is no row of one, and this fails: a stand-by may be promoted before it has heard of them.
    [Fact]
    public async Task After_a_new_epoch_a_change_waits_for_nodes_nobody_has_heard_of()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using (var first = await ManualNode.StartAsync(database.ConnectionString, Ct)) await CommitAsync(database, first);
        await LoseAsync(database);
        await using var node = await ManualNode.StartAsync(database.ConnectionString, Ct, o => o.Freshness.Lease = TimeSpan.FromSeconds(1));
        var began = Stopwatch.GetTimestamp();
        await node.Cache.BarrierAsync(await CommitAsync(database, node), Ct);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0.9, 30);
    }

    // Take an empty table for a cluster of nobody and this fails.
    [Fact]
    public async Task Before_a_new_epoch_has_begun_a_change_waits_in_full()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await ManualNode.StartAsync(database.ConnectionString, Ct, o => o.Freshness.Lease = TimeSpan.FromSeconds(1));
        await LoseAsync(database);
        var began = Stopwatch.GetTimestamp();
        await node.Cache.BarrierAsync(await CommitAsync(database, node), Ct);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0.9, 30);
    }

    // Polls come once in ten seconds, so only a notification makes twenty changes fast. Leave the channel after a wait without any and this takes minutes.
    [Fact]
    public async Task Notifications_are_heard_after_a_time_without_any()
    {
        await using var cluster = await CacheCluster.StartAsync(servers, 2, Ct, o => (o.Freshness.Lease, o.Freshness.PollInterval) = (TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(10)));
        await Task.Delay(TimeSpan.FromSeconds(2.5), TimeProvider.System, Ct);   // the listener's wait ends after 2 s
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < 20; i++) await cluster[i % 2].Cache.RemoveAsync(CacheCluster.Key, Ct);
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    private async Task LoseAsync(TestDatabase database)
    {
        foreach (var table in (string[])["nodes", "incarnation"])
        {
            await using var lose = database.DataSource.CreateCommand($"DELETE FROM solid_cache.solid_cache_{table}");
            await lose.ExecuteNonQueryAsync(Ct);
        }
    }

    private async Task<Revision> CommitAsync(TestDatabase database, ManualNode node)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        var revision = await node.Cache.InvalidateAsync(transaction, ["user:1"], Ct);
        await transaction.CommitAsync(Ct);
        return revision;
    }

    private async Task<bool> HasAppliedAsync(TestDatabase database, ManualNode node, Revision revision)
    {
        await using var look = database.DataSource.CreateCommand(
            "SELECT pg_visible_in_snapshot($2::text::xid8, applied_snapshot) FROM solid_cache.solid_cache_nodes WHERE node_id = $1");
        look.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = node.Node.Poll.NodeId });
        look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = revision.Xids[0].ToString(System.Globalization.CultureInfo.InvariantCulture) });
        return (bool)(await look.ExecuteScalarAsync(Ct))!;
    }
}
