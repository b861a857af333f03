using SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.Freshness;

/// <summary>T31: as <see cref="FaultTests"/>, with a Redis that is everything but reliable. The long form: <c>./dev load freshness</c>.</summary>
public class RedisFaultTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private const int Attempts = 4;

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(150)).Token;

    [Fact]
    public async Task Nothing_is_stale_whatever_becomes_of_Redis()
    {
        await using var database = await servers.CreateDatabaseAsync(_ct);
        await using var redis = await RunRedis.StartAsync(_ct);
        await using var run = await FreshnessRun.StartAsync(database.ConnectionString, new RunSetup(Seed: 11) { Redis = redis.Address }, _ct);
        var faults = redis.Faults(run, _ct);
        run.BeginLoad();
        await run.ForAsync(0.5, _ct);
        foreach (var fault in RedisFaults.All) await faults.OneAsync(fault);
        await run.ForAsync(0.5, _ct);
        await run.PassAsync(output);
        Assert.Equal(RedisFaults.All.Count, run.Weather.Faults.Values.Sum());
    }

    // The judge sees what comes out of Redis: without the MAC an edited entry is believed.
    [Fact]
    public async Task Without_the_MAC_a_stale_answer_is_found()
    {
        Findings findings = default!;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            await using var database = await servers.CreateDatabaseAsync(_ct);
            await using var redis = await RunRedis.StartAsync(_ct);
            findings = await RunWithoutMacAsync(database.ConnectionString, redis, 11 + attempt, _ct);
            if (findings.Stale > 0) break;
        }

        output.WriteLine($"{findings}");
        Assert.True(findings.Stale > 0, findings.ToString());
    }

    internal static async Task<Findings> RunWithoutMacAsync(string connectionString, RunRedis redis, int seed, CancellationToken ct)
    {
        var setup = new RunSetup(seed, LeaseSeconds: 2, RetentionSeconds: 120, Mechanisms.Mac) { Places = 2, Redis = redis.Address };
        await using var run = await FreshnessRun.StartAsync(connectionString, setup, ct);
        var faults = redis.Faults(run, ct);
        run.BeginLoad();
        for (var i = 0; i < 100 && !run.Judge.HasStale; i++)
        {
            await faults.EditAsync();
            await run.ForAsync(0.02, ct);
        }

        return await run.EndAsync();
    }
}
