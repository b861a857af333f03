using System.Collections.Concurrent;
using Npgsql;
using SolidCache;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>The poll learns of every committed change once and of no other, whatever transactions do meanwhile.</summary>
public class PollExactnessTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private const int Writers = 8;
    private const int Transactions = 40;

    private CancellationToken Ct => servers.TestTimeout;

    // Poll by `id > last` or by `xid < xmin` instead, and this fails: the two tests below show how.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_committed_change_is_learnt_once_and_no_other(int seed)
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await using var node = await ManualNode.StartAsync(database.ConnectionString, Ct);
        var (committed, undone) = (new ConcurrentDictionary<long, long>(), new ConcurrentBag<long>());
        using var done = new CancellationTokenSource();
        var polls = 0;
        var polling = Task.Run(async () =>
        {
            for (; !done.IsCancellationRequested; polls++) await node.PollAsync(CancellationToken.None);
        });
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(() => WriteAsync(database, new Chance((100 * seed) + w), w, committed, undone))));
        await done.CancelAsync();
        await polling;
        await node.PollAsync(Ct);

        output.WriteLine($"{committed.Count} committed, {undone.Count} undone, {polls} polls");
        Assert.Equal(committed.Count, node.Node.Poll.RowsRead);
        foreach (var (tag, version) in committed) Assert.Equal(version, node.Node.State.Known.VersionOf(tag));
        foreach (var tag in undone) Assert.Equal(0, node.Node.State.Known.VersionOf(tag));
    }

    // Numbers are drawn in one order and committed in another: what commits last may have the lowest.
    [Fact]
    public async Task By_the_highest_id_a_change_would_be_missed()
    {
        await using var scene = await StartSceneAsync();
        await scene.First.CommitOtherAsync(Ct);
        await scene.Node.PollAsync(Ct);
        var last = await scene.CountAsync("SELECT coalesce(max(id), 0) FROM solid_cache.solid_cache_invalidations", Ct);
        await scene.First.CommitAsync(Ct);
        await scene.Node.PollAsync(Ct);
        Assert.Equal(0, await scene.CountAsync($"SELECT count(*) FROM solid_cache.solid_cache_invalidations WHERE id > {last}", Ct));
        Assert.Equal(2, scene.Node.Node.Poll.RowsRead);
    }

    // What is certain never to change is below the oldest transaction under way: one that idles holds back all changes after it.
    [Fact]
    public async Task By_the_oldest_running_transaction_a_change_would_be_delayed()
    {
        await using var scene = await StartSceneAsync();
        await scene.First.CommitOtherAsync(Ct);
        await scene.Node.PollAsync(Ct);
        Assert.Equal(0, await scene.CountAsync(
            "SELECT count(*) FROM solid_cache.solid_cache_invalidations WHERE xid < pg_snapshot_xmin(pg_current_snapshot())", Ct));
        Assert.Equal(1, scene.Node.Node.Poll.RowsRead);
        await scene.First.CommitAsync(Ct);
        await scene.Node.PollAsync(Ct);
        await scene.Node.PollAsync(Ct);
        Assert.Equal(2, scene.Node.Node.Poll.RowsRead);
    }

    private async Task WriteAsync(TestDatabase database, Chance chance, int writer, ConcurrentDictionary<long, long> committed, ConcurrentBag<long> undone)
    {
        for (var t = 0; t < Transactions; t++)
        {
            await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
            await using var transaction = await connection.BeginTransactionAsync(Ct);
            var made = new List<(long Tag, long Version)>();
            var parts = 1 + chance.Next(4);
            for (var part = 0; part < parts; part++)
            {
                var isSaved = chance.Next(2) == 0;
                if (isSaved) await transaction.SaveAsync("part", Ct);
                var bump = await BumpAsync(transaction, $"{writer}:{t}:{part}");
                // Short, or so long that dozens of others begin and end meanwhile.
                await Task.Delay(TimeSpan.FromMilliseconds(chance.Next(12) == 0 ? 150 : chance.Next(4)), TimeProvider.System, Ct);
                if (isSaved && chance.Next(2) == 0)
                {
                    await transaction.RollbackAsync("part", Ct);
                    undone.Add(bump.Tag);
                    continue;
                }

                if (isSaved) await transaction.ReleaseAsync("part", Ct);
                made.Add(bump);
            }

            if (chance.Next(3) == 0)
            {
                await transaction.RollbackAsync(Ct);
                foreach (var (tag, _) in made) undone.Add(tag);
                continue;
            }

            await transaction.CommitAsync(Ct);
            foreach (var (tag, version) in made) Assert.True(committed.TryAdd(tag, version));
        }
    }

    private async Task<Scene> StartSceneAsync()
    {
        var database = await servers.CreateEmptyDatabaseAsync(Ct);
        var node = await ManualNode.StartAsync(database.ConnectionString, Ct);
        return new Scene(database, node, await OpenChange.BeginAsync(database, Ct));
    }

    private static async Task<(long Tag, long Version)> BumpAsync(NpgsqlTransaction transaction, string tag)
    {
        await using var bump = new NpgsqlCommand(
            "SELECT b.tag_hashes[1], b.versions[1] FROM solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag($1)]) b", transaction.Connection, transaction);
        bump.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tag });
        await using var row = await bump.ExecuteReaderAsync();
        await row.ReadAsync();
        Assert.Equal(TagHash.Of(tag), row.GetInt64(0));
        return (row.GetInt64(0), row.GetInt64(1));
    }

    private sealed record Scene(TestDatabase Database, ManualNode Node, OpenChange First) : IAsyncDisposable
    {
        public async Task<long> CountAsync(string sql, CancellationToken ct)
        {
            await using var count = Database.DataSource.CreateCommand(sql);
            return (long)(await count.ExecuteScalarAsync(ct))!;
        }

        public async ValueTask DisposeAsync()
        {
            await First.DisposeAsync();
            await Node.DisposeAsync();
            await Database.DisposeAsync();
        }
    }

    /// <summary>A transaction that has bumped a tag, and waits to commit while another does the same and is done.</summary>
    private sealed class OpenChange(TestDatabase database, NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
    {
        public static async Task<OpenChange> BeginAsync(TestDatabase database, CancellationToken ct)
        {
            var connection = await database.DataSource.OpenConnectionAsync(ct);
            var transaction = await connection.BeginTransactionAsync(ct);
            await BumpAsync(transaction, "first");
            return new OpenChange(database, connection, transaction);
        }

        public async Task CommitOtherAsync(CancellationToken ct)
        {
            await using var other = await database.DataSource.OpenConnectionAsync(ct);
            await using var change = await other.BeginTransactionAsync(ct);
            await BumpAsync(change, "second");
            await change.CommitAsync(ct);
        }

        public Task CommitAsync(CancellationToken ct) => transaction.CommitAsync(ct);

        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
