using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Sessions;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>Activates, deactivates and deletes accounts. Taking an account away ends its sessions in the same transaction.</summary>
internal sealed class SetUserStatus(Changes changes)
{
    private static readonly SqlFile SetActive = SqlFile.Beside<SetUserStatus>("set_active");
    private static readonly SqlFile DeleteUser = SqlFile.Beside<SetUserStatus>("delete_user");

    public Task<Problem?> ActivateAsync(Caller caller, long id, CancellationToken ct) => changes.RunAsync(caller, [CacheTags.User(id)], async transaction =>
    {
        if (await Authority.OverUserAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;
        await using (var set = SetActive.On(transaction).With(id).With(true))
        {
            if (await set.ExecuteScalarAsync(ct) is null) return UsersProblems.NotFound;
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.UserUpdated, caller).On("user", id) with { Reason = "activate" }, ct);
        return null;
    }, ct);

    public Task<Problem?> DeactivateAsync(Caller caller, long id, CancellationToken ct) =>
        TakeAwayAsync(caller, id, transaction => SetActive.On(transaction).With(id).With(false),
            AuditEvent.Of(AuditTypes.UserUpdated, caller) with { Reason = "deactivate" }, ct);

    public Task<Problem?> DeleteAsync(Caller caller, long id, IfMatch ifMatch, CancellationToken ct) =>
        TakeAwayAsync(caller, id, transaction => DeleteUser.On(transaction).With(id).With(ifMatch.Version),
            AuditEvent.Of(AuditTypes.UserDeleted, caller), ct);

    private async Task<Problem?> TakeAwayAsync(
        Caller caller, long id, Func<NpgsqlTransaction, Statement> change, AuditEvent auditEvent, CancellationToken ct)
    {
        if (id == caller.UserId) return UsersProblems.OwnAccount;
        return await changes.RunAsync(caller, [CacheTags.User(id)], async transaction =>
        {
            if (await Authority.OverUserAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;
            if (await Authority.KeepsAnAdministratorAsync(transaction, id, ct) is { } last) return last;

            // The account first, its sessions after: a log-in on its way either meets the new version or is ended here.
            await using (var command = change(transaction))
            {
                if (await command.ExecuteScalarAsync(ct) is null)
                {
                    return (await GetUser.InAsync(transaction, id, ct)).Failed(out var missing, out _) ? missing : HttpProblems.PreconditionFailed;
                }
            }

            await EndSessions.AllOfAsync(transaction, id, except: null, auditEvent.Reason ?? "delete", ct);
            await AuditTrail.AppendAsync(transaction, auditEvent.On("user", id), ct);
            return null;
        }, ct);
    }
}
