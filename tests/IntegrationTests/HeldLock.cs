using Npgsql;

namespace IntegrationTests;

/// <summary>
/// A lock in the database that a test holds, so that calls meet where it matters: all of them have come as far as they get before any of
/// them gets further. Disposing it lets them go, in the order in which they came.
/// </summary>
internal sealed class HeldLock : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly TestDatabase _database;
    private readonly NpgsqlConnection _connection;

    private HeldLock(TestDatabase database, NpgsqlConnection connection) => (_database, _connection) = (database, connection);

    /// <param name="statement">Such as <c>SELECT FROM users FOR UPDATE</c>.</param>
    public static async Task<HeldLock> TakeAsync(TestDatabase database, string statement, CancellationToken ct)
    {
        var connection = new NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(ct);
        await using var take = connection.CreateCommand();
        take.CommandText = "BEGIN; " + statement;
        await take.ExecuteNonQueryAsync(ct);
        return new HeldLock(database, connection);
    }

    /// <summary>Returns when so many statements wait for a lock, this one or one that a waiting statement holds.</summary>
    public Task UntilWaitingAsync(long statements, CancellationToken ct) => Eventually.TrueAsync(async () => await _database.ReadAsync<long>(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", ct) == statements, Limit);

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
