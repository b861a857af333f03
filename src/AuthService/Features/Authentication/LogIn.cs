using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Sessions;
using AuthService.Http;
using AuthService.Passwords;
using Npgsql;

namespace AuthService.Features.Authentication;

/// <summary>Address and password in, a session's tokens out. One read, one hash, one transaction; a refusal is one read and one hash, whatever its reason.</summary>
internal sealed class LogIn(NpgsqlDataSource db, PasswordHashing hashing, StartSession startSession, EmailOptions email, AuditTrail audit)
{
    private static readonly string[] Password = ["pwd"];   // RFC 8176

    // The account may change between its read and its session; each further attempt needs one more change.
    private const int MaxAttempts = 3;

    private static readonly SqlFile FindUser = SqlFile.Beside<LogIn>("find_user");

    public async Task<Outcome<TokenResponse>> ExecuteAsync(LoginRequest request, Caller caller, CancellationToken ct)
    {
        var account = await FindAsync(request.Email, ct);
        if ((await hashing.VerifyAsync(request.Password, account?.PasswordHash, ct)).Failed(out var busy, out var verdict)) return busy;
        var provedHash = account?.PasswordHash;
        var rehashed = default(string);

        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (account is null || !verdict.Matches || !MaySignIn(account)) return Refuse(account, caller);
            if (verdict.NeedsRehash && rehashed is null)
            {
                // Too busy to hash again is no reason to keep the user out: the next log-in will.
                (await hashing.HashAsync(request.Password, ct)).Failed(out _, out rehashed);
            }

            var identity = new ProvedIdentity(account.User, account.Version, Password, rehashed, account.PasswordIsTemporary);
            if (await startSession.ExecuteAsync(identity, caller, ct) is { } tokens)
            {
                audit.Record(AuditEvent.Of(AuditTypes.LoginSuccess, caller).On("user", account.User.Id) with { ActorType = "user", ActorId = account.User.Id });
                return tokens;
            }

            // Changed meanwhile. What was proved is the password: as long as that is still the account's, look again.
            account = await FindAsync(request.Email, ct);
            if (account?.PasswordHash != provedHash) break;
        }

        return Refuse(account, caller);
    }

    private bool MaySignIn(Account account) =>
        account is { IsActive: true, PasswordIsOver: false } && (account.EmailVerified || !email.RequireVerified);

    private Problem Refuse(Account? account, Caller caller)
    {
        var failed = AuditEvent.Of(AuditTypes.LoginFail, caller) with { Outcome = AuditOutcome.Failure };
        audit.Record(account is null ? failed with { Reason = "unknown" } : failed.On("user", account.User.Id));
        return AuthenticationProblems.NotValid;
    }

    private async Task<Account?> FindAsync(string address, CancellationToken ct)
    {
        await using var command = FindUser.On(db).With(address);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) return null;
        return new Account(
            new SignedInUser(row.GetInt64(0), row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3)),
            row.GetString(4), row.GetInt64(5), row.GetBoolean(6), row.GetBoolean(7), row.GetBoolean(8), row.GetBoolean(9));
    }

    private sealed record Account(SignedInUser User, string PasswordHash, long Version, bool IsActive, bool EmailVerified,
        bool PasswordIsTemporary, bool PasswordIsOver);
}
