using AuthService.Database;
using Npgsql;

namespace AuthService.Tokens;

/// <param name="State">next, active, retiring, retired or distrusted, by the database's clock.</param>
/// <param name="ActiveFrom">When it began or will begin to sign; null for the next in line.</param>
internal sealed record SigningKeyListing(
    string Kid, string Algorithm, string State, DateTimeOffset PublishedAt, DateTimeOffset? ActiveFrom, DateTimeOffset? DistrustedAt);

/// <summary>The keys of the installation, newest first, at most 200. Needs no master key.</summary>
internal sealed class ListSigningKeys(NpgsqlDataSource db, TokenOptions options)
{
    private static readonly SqlFile ListKeys = SqlFile.Beside<ListSigningKeys>("list_keys");

    public async Task<IReadOnlyList<SigningKeyListing>> ExecuteAsync(CancellationToken ct)
    {
        var keys = new List<SigningKeyListing>();
        await using var command = ListKeys.On(db);
        await using var reader = await command.With(options.VerifyWindow).ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            keys.Add(new SigningKeyListing(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3),
                await reader.IsDBNullAsync(4, ct) ? null : reader.GetFieldValue<DateTimeOffset>(4),
                await reader.IsDBNullAsync(5, ct) ? null : reader.GetFieldValue<DateTimeOffset>(5)));
        }
        return keys;
    }
}
