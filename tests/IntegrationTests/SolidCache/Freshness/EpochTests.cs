using Npgsql;
using SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>
/// After a crash PostgreSQL uses the transaction ids again that no durable commit had written down. A node that had them in its snapshot takes the
/// changes made under them for known; the epoch tells it to begin anew.
/// </summary>
public class EpochTests(ITestOutputHelper output)
{
    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    public async Task A_change_under_an_id_used_before_a_crash_is_learnt() => Assert.Equal(0, (await RunAsync(Mechanisms.None)).StaleCount);

    [Fact]
    public async Task Without_an_epoch_it_is_missed()
    {
        // Something else in the server may have written the log after all; then the ids are not used again, and there is nothing to miss.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            if ((await RunAsync(Mechanisms.Epoch)).StaleCount > 0) return;
        }

        Assert.Fail("No id was used again, or the change was learnt all the same.");
    }

    private async Task<Verdict> RunAsync(Mechanisms disabled)
    {
        // The log is written by commits alone: those that don't ask for it are lost in the crash.
        await using var server = await OwnServer.StartAsync(_ct, ("wal_writer_delay", "10s"), ("autovacuum", "off"));
        await using var db = NpgsqlDataSource.Create(server.ConnectionString + ";Maximum Pool Size=2");
        await using var idle = await ManualNode.StartAsync(server.ConnectionString, _ct, o =>
        {
            o.Freshness.Lease = TimeSpan.FromSeconds(1);
            o.Freshness.Disabled = disabled;
        });
        var subject = new OneSubject(_ct);
        await subject.AskAsync(idle);

        // Ids in the node's snapshot of which nothing is on disk.
        for (var i = 0; i < 200; i++) await ExecuteAsync("SELECT pg_current_xact_id()");
        await idle.PollAsync(_ct);
        await subject.AskAsync(idle, 1);
        await server.CrashAsync(0, _ct);
        db.Clear();

        await using (var other = await ManualNode.StartAsync(server.ConnectionString, _ct, o => o.Freshness.Lease = TimeSpan.FromSeconds(1))) await subject.ChangeAsync(other, db);
        await Eventually.TrueAsync(() => OwnServer.TryAsync(() => idle.PollAsync(_ct)), TimeSpan.FromSeconds(30));
        await subject.AskAsync(idle);
        var verdict = subject.Judge();
        output.WriteLine($"{(disabled == Mechanisms.None ? "everything on" : $"without {disabled}")}: {verdict}");
        return verdict;

        async Task ExecuteAsync(string sql)
        {
            await using var command = db.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(_ct);
        }
    }
}
