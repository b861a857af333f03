using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Email;
using AuthService.Features.Sessions;
using AuthService.Http;
using AuthService.Jobs;
using AuthService.Passwords;
using AuthService.Throttling;
using Npgsql;

namespace AuthService.Features.Authentication;

/// <summary>Sets the caller's password, after the current one was shown once more, and ends every other session of the account.</summary>
internal sealed class ChangePassword(
    NpgsqlDataSource db, Changes changes, PasswordHashing hashing, PasswordAttempts attempts, CounterKeys counters, PasswordPolicy policy, BreachedPasswords breached, AuditTrail audit,
    AccountMails mails, JobQueue queue)
{
    private static readonly FieldError Unchanged = new("/new_password", "passwords.unchanged", "The new password is the current one.");
    private static readonly SqlFile FindPassword = SqlFile.Beside<ChangePassword>("find_password");
    private static readonly SqlFile SetPassword = SqlFile.Beside<ChangePassword>("set_password");

    public async Task<Problem?> ExecuteAsync(ChangePasswordRequest request, Caller caller, DeviceCookie device, CancellationToken ct)
    {
        var userId = caller.SignedInUserId;
        if (await FindAsync(userId, ct) is not { } account) return AccessProblems.TokenNotValid;   // ended since the request began
        if (await ProveAsync(request, account, caller, device, ct) is { } notProved) return notProved;

        // A temporary password changed into itself would be a lasting one that an administrator knows.
        if (request.NewPassword == request.CurrentPassword) return HttpProblems.Invalid with { Errors = [Unchanged] };
        var weak = policy.Check(request.NewPassword, "/new_password", account.Email, account.Username, account.DisplayName);
        if (weak.Count > 0) return HttpProblems.Invalid with { Errors = weak };
        if (await breached.RefuseAsync(request.NewPassword, "/new_password", ct) is { } stolen) return stolen;
        if ((await hashing.HashAsync(request.NewPassword, ct)).Failed(out var busy, out var hash)) return busy;

        var series = account.Series;
        var problem = await changes.RunAsync(caller, [CacheTags.Profile(userId)], async transaction =>
        {
            await using (var set = SetPassword.On(transaction).With(userId).With(account.Version).With(hash))
            {
                if (await set.ExecuteScalarAsync(ct) is not int next) return HttpProblems.PreconditionFailed;
                series = next;
            }

            await EndSessions.AllOfAsync(transaction, userId, except: caller.SessionId, "password_change", ct);
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.PasswordChange, caller).On("user", userId), ct);
            await queue.EnqueueAsync(transaction, mails.PasswordChanged(userId, caller), ct);
            return null;
        }, ct);
        if (problem is null) device.Give(userId, series);   // with the password the devices it was proved on are forgotten
        return problem;
    }

    /// <summary>Counted apart from log-ins: nobody who guesses there keeps a signed-in owner from changing the password.</summary>
    private async Task<Problem?> ProveAsync(ChangePasswordRequest request, Account account, Caller caller, DeviceCookie device, CancellationToken ct)
    {
        var userId = caller.SignedInUserId;
        var isKnown = device.Shown is { } shown && shown.UserId == userId && shown.Series == account.Series;
        var target = new PasswordTarget(counters.PasswordChange(userId, account.Series), account.Email, userId, account.IsStopped && !isKnown) { ForgetsDevices = true };
        if ((await attempts.BeginAsync(target, caller, ct)).Failed(out var refused, out var attempt)) return refused;
        await using (attempt)
        {
            if ((await hashing.VerifyAsync(request.CurrentPassword, attempt.MayLook ? account.PasswordHash : null, ct)).Failed(out var busy, out var verdict))
            {
                await attempt.EndAsync(LookEnd.NotLooked, ct);
                return busy;
            }

            await attempt.EndAsync(verdict.Matches ? LookEnd.Succeeded : LookEnd.Failed, ct);
            if (verdict.Matches) return null;
        }

        audit.Record(AuditEvent.Of(AuditTypes.PasswordChangeFail, caller).On("user", userId) with { Outcome = AuditOutcome.Failure });
        return AuthenticationProblems.CurrentPasswordNotValid;
    }

    private async Task<Account?> FindAsync(long userId, CancellationToken ct)
    {
        await using var command = FindPassword.On(db).With(userId);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) return null;
        return new Account(row.GetString(0), row.GetInt64(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4),
            row.GetBoolean(5), row.GetInt32(6));
    }

    private sealed record Account(string PasswordHash, long Version, string Email, string Username, string? DisplayName, bool IsStopped, int Series);
}
