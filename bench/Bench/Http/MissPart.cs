using AuthService.Features.Authorization;
using AuthService.Database;
using Bench.Authorization;
using Npgsql;

namespace Bench.Http;

/// <summary>
/// What a question costs whose answer is not cached: the service's own code in this process, beside its statement run by the driver
/// alone, prepared, through a pool like the service's.
/// </summary>
internal static class MissPart
{
    private const int Many = 64;
    private const int Stride = 7_919;   // prime: neighbours in time are not neighbours in the table

    public static async Task RunAsync(Scene scene)
    {
        var ids = await scene.Target.ReadAsync<long[]>("SELECT array_agg(id ORDER BY id) FROM users");
        await using var rights = await RightsUnderTest.StartAsync(scene.Target.ConnectionString, isCached: false);
        await using var db = DataSources.Create(scene.Target.ConnectionString, new DatabaseOptions(), loggers: null);
        var statement = SqlFile.Beside<Rights>("load_rights").Text;
        var measured = await SideBySide.RunAsync(
            new Contender("rights, 1 caller", 1, i => rights.OfAsync(Id(i)).AsTask()),
            new Contender("driver, 1 caller", 1, i => LoadAsync(db, statement, Id(i))),
            new Contender("rights, 64 callers", Many, i => rights.OfAsync(Id(i)).AsTask()),
            new Contender("driver, 64 callers", Many, i => LoadAsync(db, statement, Id(i))));

        double ours = 1_000 / measured["rights, 1 caller"].PerSecond, drivers = 1_000 / measured["driver, 1 caller"].PerSecond;
        scene.Report.Find("rights in SQL on a miss, 1 caller", $"{ours:F3} ms", ours, Bar.AtMost(0.3, 0.3, " ms"), Figures.Text($"Npgsql {drivers:F3} ms"), Figures.Text($"{ours / drivers:F2}"));
        double ourRate = measured["rights, 64 callers"].PerSecond, driverRate = measured["driver, 64 callers"].PerSecond;
        scene.Report.Find("rights in SQL on a miss, 64 callers", $"{ourRate:N0}/s", ourRate, new Bar(50_000, 100_000, "/s"), Figures.Text($"Npgsql {driverRate:N0}/s"), Figures.Text($"{ourRate / driverRate:F2}"));

        long Id(int i) => ids[(int)((uint)(i * Stride) % (uint)ids.Length)];
    }

    private static async Task LoadAsync(NpgsqlDataSource db, string statement, long userId)
    {
        await using var connection = await db.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(statement, connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = userId } } };
        await command.PrepareAsync();
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        _ = (row.GetFieldValue<string[]>(0), row.GetFieldValue<string[]>(1));
    }
}
