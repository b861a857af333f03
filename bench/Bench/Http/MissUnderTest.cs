using System.Diagnostics;
using AuthService.Database;
using Bench.Authorization;
using Npgsql;

namespace Bench.Http;

/// <summary>
/// Questions whose answer is not in memory, to the service's own code in this process, and to PostgreSQL by one statement each through the driver alone, prepared, through a
/// pool like the service's.
/// </summary>
internal sealed class MissUnderTest : IAsyncDisposable
{
    private const int Stride = 7_919;   // prime: neighbours in time are not neighbours in the table

    // The question as one asks it without a cache.
    private const string Statement = "SELECT rights.roles, rights.permissions FROM user_rights($1) AS rights";

    private readonly NpgsqlDataSource _db;
    private readonly long[] _ids;
    private int _next;

    private MissUnderTest(RightsUnderTest rights, NpgsqlDataSource db, long[] ids) => (Rights, _db, _ids) = (rights, db, ids);

    public RightsUnderTest Rights { get; }
    public int Users => _ids.Length;
    public long FirstId => _ids[0];

    public static async Task<MissUnderTest> StartAsync(Target target) => new(
        await RightsUnderTest.StartAsync(target), DataSources.Create(target.ConnectionString, new DatabaseOptions(), loggers: null),
        await target.ReadAsync<long[]>("SELECT array_agg(id ORDER BY id) FROM users"));

    /// <summary>From now on nobody has been asked about.</summary>
    public async Task BeginRoundAsync()
    {
        await Rights.ForgetAllAsync();
        _next = 0;
    }

    public Task OursAsync() => Rights.OfAsync(NextId()).AsTask();

    public async Task DriversAsync()
    {
        await using var connection = await _db.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(Statement, connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = NextId() } } };
        await command.PrepareAsync();
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        _ = (row.GetFieldValue<string[]>(0), row.GetFieldValue<string[]>(1));
    }

    /// <param name="most">Questions, however little time they take: an account asked about twice is no miss.</param>
    /// <returns>Questions a second.</returns>
    public static async Task<double> RateAsync(int callers, int most, TimeSpan time, Func<Task> once)
    {
        long asked = 0;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(started) < time && Interlocked.Increment(ref asked) <= most) await once();
        })));
        return Math.Min(asked, most) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        await Rights.DisposeAsync();
        await _db.DisposeAsync();
    }

    private long NextId() => _ids[(int)((uint)(Interlocked.Increment(ref _next) * Stride) % (uint)_ids.Length)];
}
