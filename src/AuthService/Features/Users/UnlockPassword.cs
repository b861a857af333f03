using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Http;

namespace AuthService.Features.Users;

/// <summary>Lets a password work again that has stopped or waits after failed log-ins. Devices known before are forgotten: one of them may have been the one that failed.</summary>
internal sealed class UnlockPassword(Changes changes)
{
    private static readonly SqlFile Unlock = SqlFile.Beside<UnlockPassword>("unlock");

    public Task<Problem?> ExecuteAsync(Caller caller, long id, CancellationToken ct) => changes.RunAsync(caller, [], async transaction =>
    {
        if (await Authority.OverUserAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;
        await using (var unlock = Unlock.On(transaction).With(id))
        {
            if (await unlock.ExecuteScalarAsync(ct) is null) return UsersProblems.NotFound;
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.UserUpdated, caller).On("user", id) with { Reason = "unlock" }, ct);
        return null;
    }, ct);
}
