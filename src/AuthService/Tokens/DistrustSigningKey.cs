using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Http;

namespace AuthService.Tokens;

/// <param name="Kid">The key nothing is accepted from any more.</param>
/// <param name="ActiveKid">The key that signs now.</param>
internal sealed record SigningKeyDistrust(string Kid, string ActiveKid);

/// <summary>
/// Drops a key that someone else may hold. Every token it signed is refused on each node within the reload interval (a node
/// that can't reach the database stops answering within <see cref="SigningKeyRing.StalenessLimit"/>). If it was the key that
/// signs, the next one takes over at once; other verifiers may need a moment to fetch it if it was only just published.
/// </summary>
internal sealed class DistrustSigningKey(Changes changes, EnsureSigningKeys ensure)
{
    private static readonly SqlFile DistrustKey = SqlFile.Beside<DistrustSigningKey>("distrust_key");

    public Task<Outcome<SigningKeyDistrust>> ExecuteAsync(string kid, Caller caller, CancellationToken ct) => changes.RunAsync<SigningKeyDistrust>(caller, [CacheTags.SigningKey(kid)], async transaction =>
    {
        await ensure.LockAsync(transaction, ct);
        await using var command = DistrustKey.On(transaction);
        if (await command.With(kid).ExecuteNonQueryAsync(ct) == 0) return SigningKeysProblems.NotFound;
        var keys = await ensure.CompleteAsync(transaction, ct);
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.KeyDistrusted, caller) with { TargetType = "signing_key", TargetId = kid }, ct);
        return new SigningKeyDistrust(kid, EnsureSigningKeys.Find(keys, SigningKeyState.Active)!.Key.Kid);
    }, ct);
}
