using System.Text;
using System.Text.Json;
using AuthService.Database;
using Npgsql;

namespace AuthService.Tokens;

/// <summary>
/// Makes what is missing of: one key that signs, one published key that is next in line and has no date yet. Runs at start, and
/// as the last step of everything that takes a key away.
/// </summary>
internal sealed class EnsureSigningKeys(NpgsqlDataSource db, LoadSigningKeys load, SigningKeySeal seal)
{
    private static readonly SqlFile LockKeys = SqlFile.Beside<EnsureSigningKeys>("lock_keys");
    private static readonly SqlFile ActivateKey = SqlFile.Beside<EnsureSigningKeys>("activate_key");
    private static readonly SqlFile InsertKey = SqlFile.Beside<EnsureSigningKeys>("insert_key");

    /// <exception cref="InvalidOperationException">The database's keys were made under another master key.</exception>
    public async Task ExecuteAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await LockAsync(transaction, ct);
        await CompleteAsync(transaction, ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>Until the transaction ends no other node changes the keys.</summary>
    public async Task LockAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        await using var command = LockKeys.On(transaction);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The step itself. Also proves that this node has the master key of the others, before it adds anything.</summary>
    /// <returns>The keys in use afterwards, the active one first.</returns>
    public async Task<IReadOnlyList<SigningKey>> CompleteAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        var keys = await load.ExecuteAsync(transaction, ct);
        if (Find(keys, SigningKeyState.Active) is null)
        {
            if (Find(keys, SigningKeyState.Next) is { } next) await ActivateAsync(transaction, next.Key.Kid, ct);
            else await InsertAsync(transaction, signsNow: true, ct);
            keys = await load.ExecuteAsync(transaction, ct);
        }
        if (NextInLine(keys) is null)
        {
            await InsertAsync(transaction, signsNow: false, ct);
            keys = await load.ExecuteAsync(transaction, ct);
        }
        return keys;
    }

    public static SigningKey? NextInLine(IReadOnlyList<SigningKey> keys) =>
        keys.FirstOrDefault(key => key is { State: SigningKeyState.Next, ActiveFrom: null });

    public static SigningKey? Find(IReadOnlyList<SigningKey> keys, SigningKeyState state) => keys.FirstOrDefault(key => key.State == state);

    public async Task InsertAsync(NpgsqlTransaction transaction, bool signsNow, CancellationToken ct)
    {
        var key = Es256Key.Create();
        await using var command = InsertKey.On(transaction);
        await command.With(key.Kid).With(Es256Key.Algorithm).With(PublicJwk(key)).With(seal.Seal(key)).With(signsNow).ExecuteNonQueryAsync(ct);
    }

    private static async Task ActivateAsync(NpgsqlTransaction transaction, string kid, CancellationToken ct)
    {
        await using var command = ActivateKey.On(transaction);
        await command.With(kid).ExecuteNonQueryAsync(ct);
    }

    private static string PublicJwk(Es256Key key)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes)) key.WritePublicJwk(json);
        return Encoding.UTF8.GetString(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }
}
