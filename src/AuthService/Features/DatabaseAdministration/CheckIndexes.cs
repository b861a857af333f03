using AuthService.Client;
using AuthService.Database;
using Npgsql;

namespace AuthService.Features.DatabaseAdministration;

/// <summary>What is amiss with the indexes of our tables, from the catalog: six statements, none of which reads a table of ours.</summary>
internal sealed class CheckIndexes(NpgsqlDataSource db)
{
    /// <summary>Smaller ones are not worth the work.</summary>
    public const long BloatedFromBytes = 10 * 1024 * 1024;

    public const int BloatedFromPercent = 50;

    private const string Method = "estimated from row counts and column widths as ANALYZE found them; from 10 MiB and 50 % on; B-trees and tables";

    private static readonly SqlFile ReadSince = SqlFile.Beside<CheckIndexes>("read_since");
    private static readonly SqlFile ListUnused = SqlFile.Beside<CheckIndexes>("list_unused");
    private static readonly SqlFile ListUncovered = SqlFile.Beside<CheckIndexes>("list_uncovered");
    private static readonly SqlFile ListBloated = SqlFile.Beside<CheckIndexes>("list_bloated");
    private static readonly SqlFile ListInvalid = SqlFile.Beside<CheckIndexes>("list_invalid");
    private static readonly SqlFile ListDuplicates = SqlFile.Beside<CheckIndexes>("list_duplicates");

    public async Task<IndexReport> ExecuteAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var since = ReadSince.On(connection);
        return new IndexReport
        {
            UsageSince = await since.ExecuteScalarAsync(ct) is DateTime time ? new DateTimeOffset(time) : null,
            Unused = await ReadAsync(ListUnused.On(connection), ReadIndex, ct),
            UncoveredForeignKeys = await ReadAsync(ListUncovered.On(connection), row => new UncoveredForeignKey(row.GetString(0), row.GetString(1), row.GetFieldValue<string[]>(2)), ct),
            Bloated = await ReadAsync(ListBloated.On(connection).With(BloatedFromBytes).With(BloatedFromPercent), row => new BloatedRelation(row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetInt64(4)), ct),
            BloatMethod = Method,
            Invalid = await ReadAsync(ListInvalid.On(connection), ReadIndex, ct),
            Duplicates = await ReadAsync(ListDuplicates.On(connection), row => new DuplicateIndexes(row.GetString(0), row.GetFieldValue<string[]>(1), row.GetInt64(2)), ct),
        };
    }

    private static async Task<IReadOnlyList<T>> ReadAsync<T>(Statement statement, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        var found = new List<T>();
        await using (statement)
        {
            await using var row = await statement.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct)) found.Add(read(row));
        }

        return found;
    }

    private static IndexFinding ReadIndex(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetInt64(2));
}
