using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Sessions;

/// <summary>Ends sessions: one of the caller's, all of the caller's, or all of an account that is being changed.</summary>
internal sealed class EndSessions(Changes changes)
{
    private static readonly SqlFile EndOne = SqlFile.Beside<EndSessions>("end_one");
    private static readonly SqlFile EndAll = SqlFile.Beside<EndSessions>("end_all");
    private static readonly SqlFile MoveVersion = SqlFile.Beside<EndSessions>("move_version");

    /// <summary>Ends one session of the caller.</summary>
    /// <returns><see cref="SessionsProblems.NotFound"/> if it does not live or is not the caller's; else null.</returns>
    public Task<Problem?> OneAsync(Caller caller, Guid sessionId, CancellationToken ct) => changes.RunAsync(caller, [CacheTags.Session(sessionId)], async transaction =>
    {
        await using (var command = EndOne.On(transaction).With(sessionId).With(caller.SignedInUserId).With("logout"))
        {
            if (await command.ExecuteScalarAsync(ct) is null) return SessionsProblems.NotFound;
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.SessionLogout, caller) with { TargetType = "session", TargetId = sessionId.ToString() }, ct);
        return null;
    }, ct);

    /// <summary>Ends every session of the caller, this one included.</summary>
    public Task AllAsync(Caller caller, CancellationToken ct) => changes.RunAsync(caller, [], async transaction =>
    {
        await using (var move = MoveVersion.On(transaction).With(caller.SignedInUserId)) await move.ExecuteNonQueryAsync(ct);
        await AllOfAsync(transaction, caller.SignedInUserId, except: null, "logout_all", ct);
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.SessionLogout, caller).On("user", caller.SignedInUserId) with { Reason = "all" }, ct);
        return null;
    }, ct);

    /// <summary>Ends the sessions of an account inside the transaction that changes it. The account's version must have been moved
    /// by an earlier statement of the same transaction: that is what stops a log-in on its way.</summary>
    public static async Task AllOfAsync(NpgsqlTransaction transaction, long userId, Guid? except, string reason, CancellationToken ct)
    {
        await using var command = EndAll.On(transaction).With(userId).With(except).With(reason);
        await command.ExecuteNonQueryAsync(ct);
    }
}
