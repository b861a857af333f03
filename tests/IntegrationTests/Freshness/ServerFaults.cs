using IntegrationTests.SolidCache.Freshness;

namespace IntegrationTests.Freshness;

/// <summary>What becomes of the PostgreSQL under a run.</summary>
internal sealed class ServerFaults(FreshnessRun run, OwnServer server, CancellationToken ct)
{
    public const string Crashed = "PostgreSQL crashed (kill -9 of a backend)";
    public const string Stopped = "PostgreSQL stood still";
    public const string FailedOver = "PostgreSQL replaced by its standby";

    private readonly Chance _chance = run.NewChance();

    public Task AtRandomAsync() => _chance.Next(3) == 0 ? StopAsync(0.2 + (_chance.Next(15) / 10.0)) : CrashAsync();

    public async Task CrashAsync()
    {
        using var spell = run.Weather.Begin(Crashed);
        await server.CrashAsync(_chance.Next(100), ct);
    }

    public async Task StopAsync(double seconds)
    {
        using var spell = run.Weather.Begin(Stopped);
        await server.SignalAllAsync("STOP");
        await run.ForAsync(seconds, ct);
        await server.SignalAllAsync("CONT");
    }

    /// <summary>Once: there is one standby.</summary>
    public async Task FailOverAsync(StandbyServer standby)
    {
        using var spell = run.Weather.Begin(FailedOver);
        await standby.FailOverAsync(ct);
    }
}
