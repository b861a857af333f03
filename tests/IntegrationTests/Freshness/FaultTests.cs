using System.Text.Json;
using AuthService.Client;
using Xunit.Abstractions;

namespace IntegrationTests.Freshness;

/// <summary>
/// T30, T32, T33 and T34 in short: processes of the service, rights and sessions that change, faults, and not one stale answer. What of this would go unnoticed
/// if a part of the protocol were missing: <see cref="ControlTests"/>. The long form: <c>./dev load freshness</c>.
/// </summary>
public class FaultTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token;

    [Fact]
    public async Task Nothing_is_stale_while_processes_stop_die_and_lose_their_connections()
    {
        await using var database = await servers.CreateDatabaseAsync(_ct);
        var setup = new RunSetup(Seed: 7);
        await using var run = await FreshnessRun.StartAsync(database.ConnectionString, setup, _ct);
        var faults = new Faults(run, _ct);
        run.BeginLoad();
        var openTransaction = faults.OpenTransactionAsync(setup.RetentionSeconds + 1);
        await faults.CutConnectionsAsync();
        await faults.StopAsync(0.2);
        await faults.StopAsync(0.8, untilAnswered: true, cut: true);
        await faults.StopAsync((2 * setup.LeaseSeconds) + 1.5, untilAnswered: true);   // its registration has lapsed
        await faults.KillDuringRevokeAsync();
        await faults.KillBeforeBarrierAsync();
        await faults.RestartAsync();
        await openTransaction;
        await run.PassAsync(output);
        Assert.Equal(8, run.Weather.Faults.Values.Sum());
    }

    // T34. Answer from what was remembered, however old, and this fails.
    [Fact]
    public async Task Without_PostgreSQL_for_longer_than_the_lease_nobody_is_told_yes()
    {
        await using var database = await servers.CreateDatabaseAsync(_ct);
        await using var run = await FreshnessRun.StartAsync(database.ConnectionString, new RunSetup(Seed: 7), _ct);
        var right = run.People.RoleRights.First(r => r.IsOn);
        var body = JsonSerializer.SerializeToUtf8Bytes(new CheckRequest { UserId = right.Holders[0], Permission = right.Permission }, WireJson.Default.CheckRequest);
        await AssertAllAnswerAsync(200);
        await database.SetReachableAsync(false, _ct);
        await run.ForAsync(run.Setup.LeaseSeconds + 0.1, _ct);
        await AssertAllAnswerAsync(503);
        await database.SetReachableAsync(true, _ct);
        for (var place = 0; place < ServiceFleet.Places; place++)
        {
            await Eventually.TrueAsync(async () => (await CheckAsync(place)).Status == 200, TimeSpan.FromSeconds(20));
        }

        async Task AssertAllAnswerAsync(int status)
        {
            for (var place = 0; place < ServiceFleet.Places; place++)
            {
                Assert.Equal(status, (await CheckAsync(place)).Status);
                Assert.Equal(status, (await run.Fleet.At(place).SendAsync(HttpMethod.Get, "/api/v1/authz/forward", run.Reader)).Status);
            }
        }

        Task<Reply> CheckAsync(int place) => run.Fleet.At(place).SendAsync(HttpMethod.Post, "/api/v1/authz/check", run.Reader, body);
    }
}

internal static class Verdicts
{
    /// <summary>Ends a run, which must have been free of stale answers, and full of checks where they could be.</summary>
    public static async Task PassAsync(this FreshnessRun run, ITestOutputHelper output)
    {
        var findings = await run.EndAsync();
        var (compared, different) = await run.CompareAsync();
        output.WriteLine($"{findings}; {compared} rights in memory compared with the database, {different} differ");
        output.WriteLine($"changes: {string.Join(", ", run.Changes)}; no answer: {string.Join(", ", run.Failures)}");
        Assert.True(findings.Stale == 0, findings.ToString());
        Assert.Equal(0, different);
        Assert.True(run.Unexpected.Count == 0, string.Join('\n', run.Unexpected.Take(5)));
        Assert.False(run.Failures.ContainsKey("500"), run.Fleet.Log);
        Assert.InRange(findings.SoonAfter, 100, findings.Asks);
    }
}
