using Npgsql;
using SolidCache;

namespace AuthService.Database;

/// <summary>
/// One run of a <see cref="SqlFile"/>. Prepared explicitly on the connection it runs on: one round trip more at its first use there,
/// a look-up ever after. Unless its plan is to go by its values.
/// </summary>
/// <remarks>
/// Why not the driver's automatic preparing: when the run during which it prepares a statement fails (a taken name, a text the
/// server can't store, a cancelled caller), Npgsql 10.0 keeps the statement without its columns, and the next run on that
/// connection dies of "unexpected backend message" (npgsql/npgsql#6391; <c>StatementTests</c>).
/// </remarks>
internal sealed class Statement : IAsyncDisposable
{
    private readonly NpgsqlDataSource? _db;
    private readonly NpgsqlCommand _command;
    private readonly bool _isPrepared;

    /// <summary>Runs on a connection of its own, taken when the statement is executed and given back when it is disposed.</summary>
    public Statement(SqlFile file, NpgsqlDataSource db) => (_db, _command, _isPrepared) = (db, new NpgsqlCommand(file.Text), !file.IsPlannedForItsValues);

    public Statement(SqlFile file, NpgsqlConnection connection, NpgsqlTransaction? transaction) =>
        (_command, _isPrepared) = (new NpgsqlCommand(file.Text, connection, transaction), !file.IsPlannedForItsValues);

    /// <summary>Longest wait for the server, in seconds; 0: no limit.</summary>
    public int TimeoutSeconds { set => _command.CommandTimeout = value; }

    /// <summary>The next positional parameter, typed by the value given.</summary>
    /// <exception cref="TextNotStorableException">The value is a text that PostgreSQL does not take.</exception>
    public Statement With<T>(T value)
    {
        _command.Parameters.Add(SqlParameters.Of(value));
        return this;
    }

    public async Task<NpgsqlDataReader> ExecuteReaderAsync(CancellationToken ct)
    {
        using var wait = TimeSpent.InDatabase();
        await ConnectAsync(ct);
        using var timing = SlowStatements.Time(_command);
        await PrepareAsync(ct);
        return await _command.ExecuteReaderAsync(ct);
    }

    public async Task<object?> ExecuteScalarAsync(CancellationToken ct)
    {
        using var wait = TimeSpent.InDatabase();
        await ConnectAsync(ct);
        using var timing = SlowStatements.Time(_command);
        await PrepareAsync(ct);
        return await _command.ExecuteScalarAsync(ct);
    }

    public async Task<int> ExecuteNonQueryAsync(CancellationToken ct)
    {
        using var wait = TimeSpent.InDatabase();
        await ConnectAsync(ct);
        using var timing = SlowStatements.Time(_command);
        await PrepareAsync(ct);
        return await _command.ExecuteNonQueryAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _command.DisposeAsync();
        if (_db is not null && _command.Connection is { } connection) await connection.DisposeAsync();
    }

    /// <summary>Apart from what is timed: a pool without a free connection is no slow statement.</summary>
    private async ValueTask ConnectAsync(CancellationToken ct)
    {
        if (_db is not null && _command.Connection is null) _command.Connection = await _db.OpenConnectionAsync(ct);
    }

    private Task PrepareAsync(CancellationToken ct) => _isPrepared ? _command.PrepareAsync(ct) : Task.CompletedTask;
}
