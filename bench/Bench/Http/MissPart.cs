using System.Diagnostics;
using AuthService.Database;
using Bench.Authorization;
using Npgsql;

namespace Bench.Http;

/// <summary>
/// What a question costs whose answer is not in memory: the service's own code in this process, about accounts nobody has asked about since
/// everything was forgotten, beside one statement a question through the driver alone, prepared, through a pool like the service's.
/// </summary>
internal static class MissPart
{
    private const int Many = 64;
    private const int Stride = 7_919;   // prime: neighbours in time are not neighbours in the table

    // The question as one asks it without a cache.
    private const string Statement = "SELECT rights.roles, rights.permissions FROM user_rights($1) AS rights";

    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(Scene scene)
    {
        var ids = await scene.Target.ReadAsync<long[]>("SELECT array_agg(id ORDER BY id) FROM users");
        await using var rights = await RightsUnderTest.StartAsync(scene.Target);
        await using var db = DataSources.Create(scene.Target.ConnectionString, new DatabaseOptions(), loggers: null);
        var next = 0;
        long NextId() => ids[(int)((uint)(Interlocked.Increment(ref next) * Stride) % (uint)ids.Length)];
        Task OursAsync() => rights.OfAsync(NextId()).AsTask();
        Task DriversAsync() => LoadAsync(db, NextId());

        var (ourTimes, driverTimes, ourRates, driverRates) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = -1; round < Scene.Rounds; round++)
        {
            await rights.ForgetAllAsync();
            next = 0;
            var (one, many) = (await RateAsync(1, ids.Length / 5, OursAsync), await RateAsync(Many, ids.Length * 4 / 5, OursAsync));
            var (driverOne, driverMany) = (await RateAsync(1, int.MaxValue, DriversAsync), await RateAsync(Many, int.MaxValue, DriversAsync));
            if (round < 0) continue;   // the compiler's
            ourTimes.Add(1_000 / one);
            driverTimes.Add(1_000 / driverOne);
            ourRates.Add(many);
            driverRates.Add(driverMany);
        }

        double ours = Figures.Median(ourTimes), drivers = Figures.Median(driverTimes), rate = Figures.Median(ourRates), driverRate = Figures.Median(driverRates);
        scene.Report.Find("rights on a miss, 1 caller", $"{ours:F3} ms", ours, Bar.AtMost(0.3, 0.3, " ms"), Figures.Text($"Npgsql {drivers:F3} ms"), Figures.Text($"{ours / drivers:F2}"));
        scene.Report.Find("rights on a miss, 64 callers", $"{rate:N0}/s", rate, new Bar(50_000, 100_000, "/s"), Figures.Text($"Npgsql {driverRate:N0}/s"), Figures.Text($"{rate / driverRate:F2}"));
    }

    /// <param name="most">Questions, however little time they take: an account asked about twice is no miss.</param>
    private static async Task<double> RateAsync(int callers, int most, Func<Task> once)
    {
        long asked = 0;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(started) < RoundTime && Interlocked.Increment(ref asked) <= most) await once();
        })));
        return Math.Min(asked, most) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task LoadAsync(NpgsqlDataSource db, long userId)
    {
        await using var connection = await db.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(Statement, connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = userId } } };
        await command.PrepareAsync();
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        _ = (row.GetFieldValue<string[]>(0), row.GetFieldValue<string[]>(1));
    }
}
