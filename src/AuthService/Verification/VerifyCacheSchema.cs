using AuthService.Database;
using Npgsql;
using SolidCache;

namespace AuthService.Verification;

/// <summary>Whether the cache's tables and functions are those this binary needs. Changes nothing.</summary>
internal sealed class VerifyCacheSchema(NpgsqlDataSource db)
{
    private static readonly string[] Functions = ["solid_cache_bump", "solid_cache_tag", "solid_cache_timeline", "cleanup_expired_cache", "cleanup_all_expired_cache"];

    private static readonly SqlFile ReadVersion = SqlFile.Beside<VerifyCacheSchema>("read_version");
    private static readonly SqlFile FindFunctions = SqlFile.Beside<VerifyCacheSchema>("find_functions");
    private static readonly SqlFile Bump = SqlFile.Beside<VerifyCacheSchema>("bump");

    public async Task<IReadOnlyList<Check>> ExecuteAsync(CancellationToken ct) =>
    [
        await Check.OfAsync("schema", SchemaAsync, ct),
        await Check.OfAsync("functions", FunctionsAsync, ct),
        await Check.OfAsync("a tag's version grows, and a rollback takes it back", BumpAsync, ct),
    ];

    private async Task<(bool, string)> SchemaAsync(CancellationToken ct)
    {
        await using var command = ReadVersion.On(db);
        var version = (int)(await command.ExecuteScalarAsync(ct))!;
        return (version >= SolidCacheSchema.Version, $"version {version}, this binary needs {SolidCacheSchema.Version}");
    }

    private async Task<(bool, string)> FunctionsAsync(CancellationToken ct)
    {
        await using var command = FindFunctions.On(db).With(Functions);
        var missing = Functions.Except((string[])(await command.ExecuteScalarAsync(ct))!, StringComparer.Ordinal).ToArray();
        return (missing.Length == 0, missing.Length == 0 ? $"{Functions.Length} found" : $"missing: {string.Join(", ", missing)}");
    }

    private async Task<(bool, string)> BumpAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        var versions = new List<long>();
        for (var round = 0; round < 2; round++)
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await using (var command = Bump.On(transaction).With("verify")) versions.Add((long)(await command.ExecuteScalarAsync(ct))!);
            await transaction.RollbackAsync(ct);
        }

        return (versions[1] > versions[0], $"{versions[0]}, then {versions[1]}");
    }
}
