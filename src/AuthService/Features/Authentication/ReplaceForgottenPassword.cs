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

/// <summary>
/// Sets a new password for whoever shows what was sent to the account's address, and ends every session of it. A password that is too weak costs no token: it is looked at
/// first, then the password, and only the statement that sets the password takes the token.
/// </summary>
internal sealed class ReplaceForgottenPassword(
    NpgsqlDataSource db, Changes changes, PasswordHashing hashing, PasswordPolicy policy, BreachedPasswords breached, RateLimits limits, AccountMails mails, JobQueue queue)
{
    private static readonly SqlFile FindToken = SqlFile.Beside<ReplaceForgottenPassword>("find_token");
    private static readonly SqlFile SetPassword = SqlFile.Beside<ReplaceForgottenPassword>("set_password");

    public async Task<Problem?> ExecuteAsync(ResetPasswordRequest request, Caller caller, CancellationToken ct)
    {
        var token = MailToken.HashOf(request.Token);
        // Before the hash, so that a stranger can't make this service hash.
        if (await FindAsync(token, ct) is not { } account) return await NotValidAsync(caller);
        var weak = policy.Check(request.NewPassword, "/new_password", account.Email, account.Username, account.DisplayName);
        if (weak.Count > 0) return HttpProblems.Invalid with { Errors = weak };
        if (await breached.RefuseAsync(request.NewPassword, "/new_password", ct) is { } stolen) return stolen;
        if ((await hashing.HashAsync(request.NewPassword, ct)).Failed(out var busy, out var hash)) return busy;

        var problem = await changes.RunAsync(caller.WithoutReceipt(), [], async transaction =>
        {
            long userId;
            await using (var set = SetPassword.On(transaction).With(token).With(hash))
            {
                if (await set.ExecuteScalarAsync(ct) is not long id) return AuthenticationProblems.ResetTokenNotValid;
                userId = id;
            }

            await EndSessions.AllOfAsync(transaction, userId, except: null, "password_reset", ct);
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.PasswordChange, caller).On("user", userId) with { Reason = "forgotten" }, ct);
            await queue.EnqueueAsync(transaction, mails.PasswordChanged(userId, caller), ct);
            return null;
        }, ct);
        return problem == AuthenticationProblems.ResetTokenNotValid ? await NotValidAsync(caller) : problem;
    }

    private async Task<Problem> NotValidAsync(Caller caller) => await limits.MailTokenFailedAsync(AuthenticationProblems.ResetTokenNotValid, caller);

    private async Task<Account?> FindAsync(byte[] token, CancellationToken ct)
    {
        await using var command = FindToken.On(db).With(token);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new Account(row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2)) : null;
    }

    private sealed record Account(string Email, string Username, string? DisplayName);
}
