using SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>
/// The promise, checked from outside: three processes, one PostgreSQL, changes and checks at random, every answer recorded. And for each part of the
/// protocol a run without it, in which the same checker must find a stale answer.
/// </summary>
public class HistoryRunTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = LongForm.Limit;

    [Fact]
    public async Task Nothing_is_stale()
    {
        var verdict = await RunAsync(Mechanisms.None, (fleet, _) => fleet.RunForAsync(LongForm.Seconds), batch: 100);
        Assert.Equal(0, verdict.StaleCount);
        Assert.InRange(verdict.SoonAfter, 1000, verdict.Checks);
        Assert.InRange(verdict.Hits, verdict.Checks / 2, verdict.Checks);
    }

    // The negative controls. Each names the part that is switched off.

    [Theory]
    [InlineData(Mechanisms.Stamp)]
    [InlineData(Mechanisms.Barrier)]
    [InlineData(Mechanisms.Registration)]
    [InlineData(Mechanisms.NothingChangedWait)]
    internal Task Without_it_the_checker_finds_a_stale_answer(Mechanisms disabled) =>
        AssertStaleAsync(() => RunAsync(disabled, (fleet, _) => fleet.RunForAsync(2)));

    // It is stopped, changes happen, and when it wakes it can't ask the server: what it goes on telling is what it knew.
    [Fact]
    public Task Without_a_lease_a_node_that_was_away_tells_what_it_knew() => AssertStaleAsync(() => RunAwayAsync(Mechanisms.Lease));

    [Fact]
    public async Task With_a_lease_it_is_silent() => Assert.Equal(0, (await RunAwayAsync(Mechanisms.None)).StaleCount);

    // A retention that no pause of a busy machine outlasts: what is too old to be judged is not told either, lease or not.
    private Task<Verdict> RunAwayAsync(Mechanisms disabled) => RunAsync(disabled, AwayAndCutOffAsync, writes: false, retentionSeconds: 120);

    private async Task AwayAndCutOffAsync(Fleet fleet, TestDatabase database)
    {
        await fleet.RunForAsync(2);   // long enough for it to hold what is changed behind its back
        await fleet.PauseAsync(2);
        for (var subject = 0; subject < NodeSetup.Reserved; subject++) Assert.True((await fleet.TellAsync(subject % 2, "change", subject)).Done);
        await database.SetReachableAsync(false, _ct);
        await fleet.GoOnAsync(2);
        await fleet.RunForAsync(2.5);   // long enough for it to say something, also where many processes share the machine
        await database.SetReachableAsync(true, _ct);
        await fleet.RunForAsync(0.3);
    }

    private async Task<Verdict> RunAsync(Mechanisms disabled, Func<Fleet, TestDatabase, Task> course, int batch = 40, bool writes = true, double retentionSeconds = 5)
    {
        await using var folder = new TestFolder();
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var fleet = await Fleet.StartAsync(database.ConnectionString, folder.Path, _ct, disabled, LongForm.Seed, batch, writes, retentionSeconds: retentionSeconds);
        await course(fleet, database);
        var verdict = await fleet.FinishAsync();
        output.WriteLine($"{(disabled == Mechanisms.None ? "everything on" : $"without {disabled}")}: {verdict}");
        return verdict;
    }

    /// <summary>Chance decides when the hole is met, and on a busy machine seconds are few checks: so more than one try.</summary>
    private static async Task AssertStaleAsync(Func<Task<Verdict>> run)
    {
        var verdict = await run();
        for (var attempt = 1; verdict.StaleCount == 0 && attempt < 4; attempt++) verdict = await run();
        Assert.True(verdict.StaleCount > 0, verdict.ToString());
    }
}
