using Npgsql;
using NpgsqlTypes;

namespace Bench.SolidCache;

/// <summary>
/// What one writes without a library: a command per read or write through a pool, with the driver's defaults; and the same with what the driver
/// can be told (few connections, statements prepared, no reset when a connection goes back). And the statements of
/// Microsoft.Extensions.Caching.Postgres, restated: an UPDATE that slides the end, then a SELECT, for every read; an upsert for every
/// write. Their table is UNLOGGED as well, and has their index on the end.
/// </summary>
internal sealed class PlainNpgsql(NpgsqlDataSource db, NpgsqlDataSource tuned) : IAsyncDisposable
{
    private const string MakeTables = """
        CREATE UNLOGGED TABLE plain_cache (id text COLLATE "C" PRIMARY KEY, value bytea, expires_at timestamptz NOT NULL);
        CREATE UNLOGGED TABLE microsoft_cache (id text COLLATE "C" PRIMARY KEY, value bytea, expiresattime timestamptz NOT NULL,
               slidingexpirationinseconds bigint, absoluteexpiration timestamptz);
        CREATE INDEX ON microsoft_cache (expiresattime);
        """;

    public static async Task<PlainNpgsql> CreateAsync(string connectionString, string[] keys, byte[] value)
    {
        var tuned = new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = 16, NoResetOnClose = true };
        var plain = new PlainNpgsql(NpgsqlDataSource.Create(connectionString), NpgsqlDataSource.Create(tuned));
        await plain.ExecuteAsync("DROP TABLE IF EXISTS plain_cache, microsoft_cache;" + MakeTables);
        foreach (var table in new[] { "plain_cache (id, value, expires_at)", "microsoft_cache (id, value, expiresattime)" })
        {
            await using var fill = plain.Db.CreateCommand($"INSERT INTO {table} SELECT k, $2, now() + interval '1 day' FROM unnest($1) k");
            fill.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = keys });
            fill.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = value });
            await fill.ExecuteNonQueryAsync();
        }

        await plain.ExecuteAsync("UPDATE microsoft_cache SET slidingexpirationinseconds = 1200; VACUUM ANALYZE plain_cache; VACUUM ANALYZE microsoft_cache");
        return plain;
    }

    public NpgsqlDataSource Db => db;

    public static async Task ReadAsync(NpgsqlDataSource source, string key)
    {
        await using var command = Read(source.CreateCommand(), key);
        await using var row = await command.ExecuteReaderAsync();
        if (await row.ReadAsync()) row.GetFieldValue<byte[]>(0);
    }

    public async Task ReadPreparedAsync(string key)
    {
        await using var connection = await tuned.OpenConnectionAsync();
        await ReadPreparedAsync(connection, key);
    }

    public static async Task ReadPreparedAsync(NpgsqlConnection connection, string key)
    {
        await using var command = Read(connection.CreateCommand(), key);
        await command.PrepareAsync();
        await using var row = await command.ExecuteReaderAsync();
        if (await row.ReadAsync()) row.GetFieldValue<byte[]>(0);
    }

    public static async Task WriteAsync(NpgsqlDataSource source, string key, byte[] value)
    {
        await using var command = Write(source.CreateCommand(), key, value);
        await command.ExecuteNonQueryAsync();
    }

    public async Task WritePreparedAsync(string key, byte[] value)
    {
        await using var connection = await tuned.OpenConnectionAsync();
        await using var command = Write(connection.CreateCommand(), key, value);
        await command.PrepareAsync();
        await command.ExecuteNonQueryAsync();
    }

    public async Task ReadAsMicrosoftAsync(string key)
    {
        await using var connection = await db.OpenConnectionAsync();
        await using var slide = new NpgsqlCommand(
            """
            UPDATE microsoft_cache
            SET    expiresattime = CASE WHEN date_part('second', absoluteexpiration - $2) <= slidingexpirationinseconds THEN absoluteexpiration
                                        ELSE $2 + slidingexpirationinseconds * interval '1 second' END
            WHERE  id = $1 AND $2 <= expiresattime AND slidingexpirationinseconds IS NOT NULL
            AND    (absoluteexpiration IS NULL OR absoluteexpiration <> expiresattime)
            """, connection);
        Add(slide, key);
        await slide.ExecuteNonQueryAsync();
        await using var read = new NpgsqlCommand("SELECT value FROM microsoft_cache WHERE id = $1 AND $2 <= expiresattime", connection);
        Add(read, key);
        await using var row = await read.ExecuteReaderAsync();
        if (await row.ReadAsync()) row.GetFieldValue<byte[]>(0);

        static void Add(NpgsqlCommand command, string key)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = TimeProvider.System.GetUtcNow().UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await db.DisposeAsync();
        await tuned.DisposeAsync();
    }

    private static NpgsqlCommand Read(NpgsqlCommand command, string key)
    {
        command.CommandText = "SELECT value FROM plain_cache WHERE id = $1 AND expires_at > now()";
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        return command;
    }

    private static NpgsqlCommand Write(NpgsqlCommand command, string key, byte[] value)
    {
        command.CommandText = "INSERT INTO plain_cache VALUES ($1, $2, now() + interval '1 day') ON CONFLICT (id) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at";
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = value });
        return command;
    }

    private async Task ExecuteAsync(string sql)
    {
        foreach (var statement in sql.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            await using var command = db.CreateCommand(statement);
            await command.ExecuteNonQueryAsync();
        }
    }
}
