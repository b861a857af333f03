using Bench.Authorization;
using Bench.Report;

namespace Bench.Http;

/// <summary>What a question about rights costs when its answer is not in memory, beside one statement a question (<see cref="MissUnderTest"/>), and what it costs when it is.</summary>
internal static class MissPart
{
    private const int Many = 64;

    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(0.5);

    /// <returns>Milliseconds of a question by a statement of its own, of one that finds nothing in memory, and of one that finds its answer there.</returns>
    public static async Task<(double Statement, double Miss, double Hit)> RunAsync(Scene scene)
    {
        await using var test = await MissUnderTest.StartAsync(scene.Target);
        var (ourTimes, driverTimes, ourRates, driverRates) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = -1; round < Scene.Rounds; round++)
        {
            await test.BeginRoundAsync();
            var one = await MissUnderTest.RateAsync(1, test.Users / 5, RoundTime, test.OursAsync);
            var many = await MissUnderTest.RateAsync(Many, test.Users * 4 / 5, RoundTime, test.OursAsync);
            var driverOne = await MissUnderTest.RateAsync(1, int.MaxValue, RoundTime, test.DriversAsync);
            var driverMany = await MissUnderTest.RateAsync(Many, int.MaxValue, RoundTime, test.DriversAsync);
            if (round < 0) continue;   // the compiler's
            ourTimes.Add(1_000 / one);
            driverTimes.Add(1_000 / driverOne);
            ourRates.Add(many);
            driverRates.Add(driverMany);
        }

        double ours = Figures.Median(ourTimes), drivers = Figures.Median(driverTimes), rate = Figures.Median(ourRates), driverRate = Figures.Median(driverRates);
        scene.Report.Find("rights on a miss, 1 caller", $"{ours:F3} ms", ours, Bar.AtMost(0.3, 0.3, " ms"), Figures.Text($"Npgsql {drivers:F3} ms"), Figures.Text($"{ours / drivers:F2}"));
        scene.Report.Find("rights on a miss, 64 callers", $"{rate:N0}/s", rate, new Bar(50_000, 100_000, "/s"), Figures.Text($"Npgsql {driverRate:N0}/s"), Figures.Text($"{rate / driverRate:F2}"));
        var hit = await HitNsAsync(scene, test);
        scene.Report.Find("one check in process, from memory", $"{hit:N0} ns", hit, Bar.AtMost(null, 200, " ns"));
        return (drivers, ours, hit / 1e6);
    }

    private static async Task<double> HitNsAsync(Scene scene, MissUnderTest test)
    {
        var permissions = await scene.Target.ReadAsync<string[]>("SELECT array_agg(resource || ':' || action) FROM permissions WHERE resource LIKE 'res%'");
        await Parallel.ForAsync(0, Scene.Users, async (i, _) => await test.Rights.OfAsync(test.FirstId + i));
        InMemoryChecks.Run(test.Rights, test.FirstId, Scene.Users, permissions);   // compiles
        return Figures.Median(Enumerable.Range(0, Scene.Rounds).Select(_ => InMemoryChecks.Run(test.Rights, test.FirstId, Scene.Users, permissions).Ns));
    }
}
