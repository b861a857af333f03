using System.Globalization;
using SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>
/// The promise, checked from outside: three processes, one PostgreSQL, changes and checks at random, every answer recorded. And for each part of the
/// protocol a run without it, in which the same checker must find a stale answer.
/// </summary>
/// <remarks>
/// The long form: <c>SOLIDCACHE_HISTORY_SECONDS=600 dotnet test tests/IntegrationTests --filter FullyQualifiedName~HistoryRunTests.Nothing_is_stale
/// --logger "console;verbosity=detailed"</c>; <c>SOLIDCACHE_HISTORY_SEED</c> chooses another course of events.
/// </remarks>
public class HistoryRunTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private static readonly double Seconds = Number("SOLIDCACHE_HISTORY_SECONDS", 8);
    private static readonly int Seed = (int)Number("SOLIDCACHE_HISTORY_SEED", 1);

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(60 + (2 * Seconds))).Token;

    [Fact]
    public async Task Nothing_is_stale()
    {
        var verdict = await RunAsync(Mechanisms.None, fleet => fleet.RunForAsync(Seconds), batch: 100);
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
        AssertStale(await RunAsync(disabled, fleet => fleet.RunForAsync(2)));

    [Fact]
    public async Task Without_a_lease_a_node_that_was_stopped_tells_what_it_knew() =>
        AssertStale(await RunAsync(Mechanisms.Lease, async fleet =>
        {
            for (var round = 0; round < 2; round++)
            {
                await fleet.RunForAsync(0.3);
                await fleet.PauseAsync(2);
                await fleet.RunForAsync(1.5);
                await fleet.GoOnAsync(2);
            }

            await fleet.RunForAsync(0.2);
        }));

    private async Task<Verdict> RunAsync(Mechanisms disabled, Func<Fleet, Task> course, int batch = 40, bool writes = true)
    {
        await using var folder = new TestFolder();
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var fleet = await Fleet.StartAsync(database.ConnectionString, folder.Path, _ct, disabled, Seed, batch, writes);
        await course(fleet);
        var verdict = await fleet.FinishAsync();
        output.WriteLine($"{(disabled == Mechanisms.None ? "everything on" : $"without {disabled}")}: {verdict}");
        return verdict;
    }

    private static void AssertStale(Verdict verdict) => Assert.True(verdict.StaleCount > 0, verdict.ToString());

    private static double Number(string variable, double otherwise) =>
        double.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
