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
    internal async Task Without_it_the_checker_finds_a_stale_answer(Mechanisms disabled) =>
        AssertStale(await RunAsync(disabled, (fleet, _) => fleet.RunForAsync(2)));

    // It is stopped, changes happen, and when it wakes it can't ask the server: what it goes on telling is what it knew.
    [Fact]
    public async Task Without_a_lease_a_node_that_was_away_tells_what_it_knew() =>
        AssertStale(await RunAsync(Mechanisms.Lease, AwayAndCutOffAsync, writes: false));

    [Fact]
    public async Task With_a_lease_it_is_silent() => Assert.Equal(0, (await RunAsync(Mechanisms.None, AwayAndCutOffAsync, writes: false)).StaleCount);

    private async Task AwayAndCutOffAsync(Fleet fleet, TestDatabase database)
    {
        await fleet.RunForAsync(0.5);
        await fleet.PauseAsync(2);
        for (var subject = 0; subject < NodeSetup.Reserved; subject++) Assert.True((await fleet.TellAsync(subject % 2, "change", subject)).Done);
        await database.SetReachableAsync(false, _ct);
        await fleet.GoOnAsync(2);
        await fleet.RunForAsync(0.3);
        await database.SetReachableAsync(true, _ct);
        await fleet.RunForAsync(0.3);
    }

    private async Task<Verdict> RunAsync(Mechanisms disabled, Func<Fleet, TestDatabase, Task> course, int batch = 40, bool writes = true)
    {
        await using var folder = new TestFolder();
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var fleet = await Fleet.StartAsync(database.ConnectionString, folder.Path, _ct, disabled, LongForm.Seed, batch, writes);
        await course(fleet, database);
        var verdict = await fleet.FinishAsync();
        output.WriteLine($"{(disabled == Mechanisms.None ? "everything on" : $"without {disabled}")}: {verdict}");
        return verdict;
    }

    private static void AssertStale(Verdict verdict) => Assert.True(verdict.StaleCount > 0, verdict.ToString());
}
