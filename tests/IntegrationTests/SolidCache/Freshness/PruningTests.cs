using SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>A row of the log stays until every node that may still answer from memory has read it.</summary>
public class PruningTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task A_node_that_was_away_finds_what_it_missed() => Assert.Equal(0, (await RunAsync(Mechanisms.None)).StaleCount);

    [Fact]
    public async Task Pruned_too_early_a_change_is_never_learnt() => Assert.InRange((await RunAsync(Mechanisms.Pruning)).StaleCount, 1, long.MaxValue);

    // Its transaction was open for longer than the retention, so its row is old when it becomes visible. Prune by created_at and it is gone.
    [Fact]
    public async Task What_became_visible_late_is_kept_from_then()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await StartAsync(database, Mechanisms.None);
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        var revision = await node.Cache.InvalidateAsync(transaction, ["late"], Ct);
        await ExecuteAsync("INSERT INTO solid_cache.solid_cache_snapshots SELECT clock_timestamp() - interval '1 minute', pg_current_snapshot()");
        await ExecuteAsync("UPDATE solid_cache.solid_cache_incarnation SET began_at = began_at - interval '2 minutes'");
        await transaction.CommitAsync(Ct);
        await ExecuteAsync("UPDATE solid_cache.solid_cache_invalidations SET created_at = created_at - interval '1 hour'");
        await node.Node.Pruning.PruneAsync(Ct);
        await node.PollAsync(Ct);
        Assert.Equal(revision.Versions[0], node.Node.State.Known.VersionOf(revision.TagHashes[0]));

        // Visible in a snapshot as old as that, it goes.
        await ExecuteAsync("INSERT INTO solid_cache.solid_cache_snapshots SELECT clock_timestamp() - interval '50 seconds', pg_current_snapshot()");
        await node.Node.Pruning.PruneAsync(Ct);
        Assert.Equal(0L, await CountAsync());

        async Task ExecuteAsync(string sql)
        {
            await using var command = database.DataSource.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Ct);
        }

        async Task<object?> CountAsync()
        {
            await using var count = database.DataSource.CreateCommand("SELECT count(*) FROM solid_cache.solid_cache_invalidations");
            return await count.ExecuteScalarAsync(Ct);
        }
    }

    private async Task<Verdict> RunAsync(Mechanisms disabled)
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var away = await StartAsync(database, disabled);
        await using var other = await StartAsync(database, disabled);
        var subject = new OneSubject(Ct);
        await away.PollAsync(Ct);
        await subject.AskAsync(away);
        await subject.ChangeAsync(other, database.DataSource);
        await other.Node.Pruning.PruneAsync(Ct);
        await away.PollAsync(Ct);
        await subject.AskAsync(away);
        var verdict = subject.Judge();
        output.WriteLine($"{(disabled == Mechanisms.None ? "everything on" : $"without {disabled}")}: {verdict}");
        return verdict;
    }

    private Task<ManualNode> StartAsync(TestDatabase database, Mechanisms disabled) => ManualNode.StartAsync(database.ConnectionString, Ct, o =>
    {
        // A registration lives for twice the lease and a second. The node that is away must still have one when it comes back, or it forgets all it has by itself.
        o.Freshness.Lease = TimeSpan.FromSeconds(2);
        o.Freshness.Retention = TimeSpan.FromSeconds(10);
        o.Freshness.Disabled = disabled;
    });
}
