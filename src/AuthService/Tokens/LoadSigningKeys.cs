using AuthService.Database;
using Npgsql;

namespace AuthService.Tokens;

/// <summary>
/// Reads the keys in use and opens their private parts. Public parts are computed from these: the column with the public key
/// is for people, and writing to it makes no node trust anything.
/// </summary>
internal sealed class LoadSigningKeys(NpgsqlDataSource db, SigningKeySeal seal, TokenOptions options)
{
    private static readonly SqlFile ReadKeys = SqlFile.Beside<LoadSigningKeys>("read_keys");

    // Opened once per key, not once per second. Replaced whole, so that concurrent loads need no lock.
    private volatile Dictionary<string, Es256Key> _opened = [];

    /// <exception cref="InvalidOperationException">The keys were made under another master key, or are damaged.</exception>
    public async Task<IReadOnlyList<SigningKey>> ExecuteAsync(CancellationToken ct)
    {
        await using var command = ReadKeys.On(db);
        return await ReadAsync(command, ct);
    }

    /// <summary>As part of a transaction that is about to change them.</summary>
    public async Task<IReadOnlyList<SigningKey>> ExecuteAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        await using var command = ReadKeys.On(transaction);
        return await ReadAsync(command, ct);
    }

    private async Task<List<SigningKey>> ReadAsync(Statement command, CancellationToken ct)
    {
        var keys = new List<SigningKey>();
        var opened = new Dictionary<string, Es256Key>(StringComparer.Ordinal);
        await using var reader = await command.With(options.VerifyWindow).ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var kid = reader.GetString(0);
            if (!_opened.TryGetValue(kid, out var key)) key = seal.Open(kid, reader.GetFieldValue<byte[]>(1));
            opened[kid] = key;
            DateTimeOffset? activeFrom = await reader.IsDBNullAsync(3, ct) ? null : reader.GetFieldValue<DateTimeOffset>(3);
            keys.Add(new SigningKey(key, StateOf(reader.GetString(2)), activeFrom));
        }
        _opened = opened;
        return keys;
    }

    private static SigningKeyState StateOf(string state) => state switch
    {
        "next" => SigningKeyState.Next,
        "active" => SigningKeyState.Active,
        "retiring" => SigningKeyState.Retiring,
        _ => throw new InvalidOperationException($"Signing keys have no state '{state}'."),
    };
}
