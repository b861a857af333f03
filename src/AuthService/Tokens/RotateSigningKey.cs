using AuthService.Audit;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Tokens;

/// <summary>A change of the signing key that is on its way.</summary>
/// <param name="Kid">The key that takes over.</param>
/// <param name="TakesEffectAt">When, by the database's clock. Nodes follow within the reload interval.</param>
/// <param name="WasScheduled">It had been decided before; this call changed nothing.</param>
internal sealed record SigningKeyRotation(string Kid, DateTimeOffset TakesEffectAt, bool WasScheduled);

/// <summary>
/// Gives the key that is next in line its date, the earliest by which every verifier can have it, and publishes the one after
/// it. Tokens that the old key signed stay good until they expire.
/// </summary>
internal sealed class RotateSigningKey(NpgsqlDataSource db, EnsureSigningKeys ensure, TokenOptions options)
{
    private static readonly SqlFile IsDue = SqlFile.Beside<RotateSigningKey>("is_due");
    private static readonly SqlFile ScheduleKey = SqlFile.Beside<RotateSigningKey>("schedule_key");

    public async Task<SigningKeyRotation> ExecuteAsync(Caller caller, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ensure.LockAsync(transaction, ct);
        var rotation = await RotateAsync(transaction, caller, ct);
        await transaction.CommitAsync(ct);
        return rotation;
    }

    /// <summary>Only if the key that signs has reached <see cref="TokenOptions.KeyRotationInterval"/>. Of many nodes one rotates.</summary>
    /// <returns>Null if it hasn't.</returns>
    public async Task<SigningKeyRotation?> ExecuteIfDueAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ensure.LockAsync(transaction, ct);
        await using var command = IsDue.On(transaction);
        if (await command.With(options.VerifyWindow).With(options.KeyRotationInterval).ExecuteScalarAsync(ct) is not true) return null;
        var rotation = await RotateAsync(transaction, Caller.Service, ct);
        await transaction.CommitAsync(ct);
        return rotation;
    }

    private async Task<SigningKeyRotation> RotateAsync(NpgsqlTransaction transaction, Caller caller, CancellationToken ct)
    {
        var keys = await ensure.CompleteAsync(transaction, ct);
        foreach (var key in keys)
        {
            if (key is { State: SigningKeyState.Next, ActiveFrom: { } at }) return new SigningKeyRotation(key.Key.Kid, at, WasScheduled: true);
        }
        var next = EnsureSigningKeys.NextInLine(keys)!.Key.Kid;
        var takesEffectAt = await ScheduleAsync(transaction, next, ct);
        await ensure.InsertAsync(transaction, signsNow: false, ct);
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.KeyRotated, caller) with { TargetType = "signing_key", TargetId = next }, ct);
        return new SigningKeyRotation(next, takesEffectAt, WasScheduled: false);
    }

    private async Task<DateTimeOffset> ScheduleAsync(NpgsqlTransaction transaction, string kid, CancellationToken ct)
    {
        // A node may still hand out the old key set until it has read the keys anew.
        var publishedFor = options.JwksMaxAge + options.KeyReloadInterval;
        await using var command = ScheduleKey.On(transaction);
        await using var reader = await command.With(kid).With(publishedFor).ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return await reader.GetFieldValueAsync<DateTimeOffset>(0, ct);
    }
}
