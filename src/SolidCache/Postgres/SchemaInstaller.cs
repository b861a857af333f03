using Npgsql;

namespace SolidCache.Postgres;

/// <summary>
/// Brings a database to the library's version, in one transaction. Nodes that start together wait for each other and then find nothing
/// left to do.
/// </summary>
/// <remarks>
/// A database that is newer than the library is left alone: later versions only add. One that is at the library's version needs a
/// single SELECT, and no right but to use the tables.
/// </remarks>
internal static class SchemaInstaller
{
    private const int TimeoutSeconds = 60;

    /// <exception cref="ArgumentException">The name is not one a schema may have here.</exception>
    /// <exception cref="PostgresException">The installing role may not create a schema, or a name is taken.</exception>
    public static async Task EnsureAsync(NpgsqlDataSource db, string schema, CancellationToken ct)
    {
        SolidCacheSchema.CheckName(schema, nameof(schema));
        var connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            if (await IsCurrentAsync(connection, schema, ct).ConfigureAwait(false)) return;
            await InstallAsync(connection, schema, ct).ConfigureAwait(false);
        }
    }

    private static async Task<bool> IsCurrentAsync(NpgsqlConnection connection, string schema, CancellationToken ct)
    {
        try
        {
            return await ReadVersionAsync(connection, schema, ct).ConfigureAwait(false) >= SolidCacheSchema.Version;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            return false;
        }
    }

    private static async Task InstallAsync(NpgsqlConnection connection, string schema, CancellationToken ct)
    {
        var transaction = await connection.BeginTransactionAsync(ct).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            var key = TagHash.Of($"SolidCache schema {schema}");
            await RunAsync(connection, SqlFile.Read("Postgres/SchemaInstaller.take_lock.sql").In(schema), ct, new NpgsqlParameter<long> { TypedValue = key }).ConfigureAwait(false);
            var isThere = (bool)(await RunAsync(connection, SqlFile.Read("Postgres/SchemaInstaller.find_schema.sql").In(schema), ct).ConfigureAwait(false))!;
            var version = isThere ? await ReadVersionAsync(connection, schema, ct).ConfigureAwait(false) : 0;
            if (version < SolidCacheSchema.Version) await RunAsync(connection, SolidCacheSchema.Script(schema, version), ct).ConfigureAwait(false);
            await transaction.CommitAsync(ct).ConfigureAwait(false);
        }
    }

    private static async Task<int> ReadVersionAsync(NpgsqlConnection connection, string schema, CancellationToken ct) =>
        (int)(await RunAsync(connection, SqlFile.Read("Postgres/SchemaInstaller.read_version.sql").In(schema), ct).ConfigureAwait(false))!;

    private static async Task<object?> RunAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = TimeoutSeconds };
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.AddRange(parameters);
            return await command.ExecuteScalarAsync(ct).ConfigureAwait(false);
        }
    }
}
