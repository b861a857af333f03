using System.Data;
using System.Globalization;
using Npgsql;

namespace AuthService.Database;

/// <summary>
/// Brings a database to this binary's version: numbered files, forward only, each applied once in a transaction of its own
/// together with its row in <c>schema_migrations</c>. A session advisory lock lets one node at a time do so; the others wait for
/// it and then find nothing left to do.
/// </summary>
/// <remarks>
/// <para>
/// <b>An older binary on a newer database is refused</b>, by <see cref="PlanAsync"/> as by <see cref="ApplyAsync"/>. It can't know
/// what the newer files changed; were it the way rights are invalidated, it would answer with rights that are gone, and nothing
/// would show. So a rollback of the binary is a decision the operator takes: when the newer files only added things (their
/// comments and the change log say so), start the old binary with <c>Database:MigrateAtStart=false</c>, which skips this class
/// altogether; otherwise restore the backup taken before the upgrade. Nodes of the old version that already run are not asked
/// again, so a rolling update is not disturbed as long as its migrations only add.
/// </para>
/// <para>
/// Needs a session: behind a pooler in transaction mode the lock and the settings would go astray, so migrate over a direct
/// connection. <c>statement_timeout</c> is lifted here, since an index on a large table takes what it takes; <c>lock_timeout</c> is not:
/// an ALTER TABLE that waits makes every reader behind it wait.
/// </para>
/// </remarks>
internal sealed partial class Migrator(NpgsqlDataSource db, IReadOnlyList<Migration> migrations, ILogger<Migrator> logger)
{
    /// <summary>"authserv" in ASCII. Advisory locks are per database, so installations side by side don't meet.</summary>
    private const long LockKey = 0x6175746873657276;

    private static readonly SqlFile Configure = SqlFile.Beside<Migrator>("configure_session");
    private static readonly SqlFile Lock = SqlFile.Beside<Migrator>("take_lock");
    private static readonly SqlFile Unlock = SqlFile.Beside<Migrator>("release_lock");
    private static readonly SqlFile Reset = SqlFile.Beside<Migrator>("reset_session");
    private static readonly SqlFile FindTable = SqlFile.Beside<Migrator>("find_table");
    private static readonly SqlFile CreateTable = SqlFile.Beside<Migrator>("create_table");
    private static readonly SqlFile ListApplied = SqlFile.Beside<Migrator>("list_applied");
    private static readonly SqlFile InsertApplied = SqlFile.Beside<Migrator>("insert_applied");

    public Migrator(NpgsqlDataSource db, ILogger<Migrator> logger) : this(db, Migration.Embedded, logger)
    {
    }

    /// <summary>How long to wait for another node that migrates, and for a table another session uses. Default 60 s.</summary>
    public TimeSpan LockWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What <see cref="ApplyAsync"/> would do now. Changes nothing, also on an empty database.</summary>
    /// <returns>The pending migrations in order; empty when the database is up to date.</returns>
    /// <exception cref="MigrationException">The database does not fit this binary.</exception>
    public async Task<IReadOnlyList<Migration>> PlanAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        return await PendingAsync(connection, ct);
    }

    /// <summary>Applies what is pending. When one file fails, it leaves nothing behind; those before it stay applied.</summary>
    /// <returns>The migrations this call applied, in order; empty when another node did it or nothing was pending.</returns>
    /// <exception cref="MigrationException">The database does not fit this binary, a file failed, or another node has held the
    /// lock for longer than <see cref="LockWait"/>.</exception>
    public async Task<IReadOnlyList<Migration>> ApplyAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        try
        {
            await using (var configure = Configure.On(connection).With(Milliseconds(LockWait))) await configure.ExecuteNonQueryAsync(ct);
            await TakeLockAsync(connection, ct);
            await using (var create = CreateTable.On(connection)) await create.ExecuteNonQueryAsync(ct);
            var pending = await PendingAsync(connection, ct);
            foreach (var migration in pending) await ApplyOneAsync(connection, migration, ct);
            return pending;
        }
        finally
        {
            await ReleaseLockAsync(connection);
        }
    }

    private async Task TakeLockAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = Lock.On(connection).With(LockKey);
        command.TimeoutSeconds = 0;   // lock_timeout ends the wait
        try
        {
            await command.ExecuteNonQueryAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new MigrationException(
                $"Another node has been migrating this database for more than {LockWait.TotalSeconds:0.#} s. Start again when it is done.", e);
        }
    }

    private async Task<IReadOnlyList<Migration>> PendingAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var applied = await ReadAppliedAsync(connection, ct);
        var known = migrations.ToDictionary(m => m.Version);
        var newest = migrations.Count == 0 ? 0 : migrations[^1].Version;
        var reached = applied.Count == 0 ? 0 : applied[^1].Version;

        if (reached > newest)
            throw new MigrationException(
                $"The database is at version {reached:0000}, this binary knows up to {newest:0000}. " +
                "Run the newer binary, or start this one with Database:MigrateAtStart=false if those versions only added things.");

        foreach (var row in applied)
        {
            if (!known.TryGetValue(row.Version, out var migration))
                throw new MigrationException($"The database has migration {row.Name}, which this binary does not know.");
            if (!migration.Checksum.AsSpan().SequenceEqual(row.Checksum))
                throw new MigrationException(
                    $"Migration {migration.Name} was changed after it had been applied. Undo the change and put it into a new file.");
        }

        var done = applied.Select(row => row.Version).ToHashSet();
        var pending = migrations.Where(m => !done.Contains(m.Version)).ToArray();
        if (pending.Length > 0 && pending[0].Version < reached)
            throw new MigrationException(
                $"Migration {pending[0].Name} comes before {reached:0000}, which is applied already. Give it the next free number.");
        return pending;
    }

    private static async Task<List<AppliedRow>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using (var find = FindTable.On(connection))
        {
            if (await find.ExecuteScalarAsync(ct) is not true) return [];
        }

        await using var command = ListApplied.On(connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        List<AppliedRow> rows = [];
        while (await reader.ReadAsync(ct)) rows.Add(new(reader.GetInt32(0), reader.GetString(1), reader.GetFieldValue<byte[]>(2)));
        return rows;
    }

    private async Task ApplyOneAsync(NpgsqlConnection connection, Migration migration, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        try
        {
            await using var command = new NpgsqlCommand(migration.Sql, connection, transaction) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(ct);
            await using var insert = InsertApplied.On(transaction).With(migration.Version).With(migration.Name).With(migration.Checksum);
            await insert.ExecuteNonQueryAsync(ct);
            await transaction.CommitAsync(ct);
        }
        catch (PostgresException e)
        {
            throw new MigrationException($"Migration {migration.Name} failed and was rolled back: {e.MessageText}", e);
        }

        LogApplied(migration.Name);
    }

    private static async Task ReleaseLockAsync(NpgsqlConnection connection)
    {
        // Also when the lock was not got: the settings are for nobody else. A broken connection has released everything already.
        // Not the caller's token: a cancelled caller must not leave the lock to the pool.
        if (connection.State != ConnectionState.Open) return;
        await using (var command = Unlock.On(connection).With(LockKey)) await command.ExecuteNonQueryAsync(CancellationToken.None);
        await using (var reset = Reset.On(connection)) await reset.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    private sealed record AppliedRow(int Version, string Name, byte[] Checksum);

    [LoggerMessage(LogLevel.Information, "Migration {Name} applied")]
    private partial void LogApplied(string name);
}
