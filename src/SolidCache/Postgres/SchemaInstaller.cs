using Npgsql;
namespace SolidCache.Postgres;
// placeholder until the real one is merged
internal static class SchemaInstaller
{
    public static async Task EnsureAsync(NpgsqlDataSource db, string schema, CancellationToken ct)
    {
        var connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var lockit = new NpgsqlCommand($"SELECT pg_advisory_lock(hashtext('{schema}'))", connection);
        await lockit.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
        var check = new NpgsqlCommand($"SELECT to_regclass('\"{schema}\".solid_cache_schema') IS NOT NULL", connection);
        if (!(bool)(await check.ExecuteScalarAsync(ct).ConfigureAwait(false))!)
        {
            var make = new NpgsqlCommand(SolidCacheSchema.Script(schema), connection);
            await make.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
        }
        var unlock = new NpgsqlCommand($"SELECT pg_advisory_unlock(hashtext('{schema}'))", connection);
        await unlock.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
    }
}
