using System.Globalization;
using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Email;
using AuthService.Features.Sessions;
using AuthService.Http;
using AuthService.Passwords;
using AuthService.Throttling;
using Npgsql;

namespace AuthService.Features.Authentication;

/// <summary>Address and password in, a session's tokens out. One read, one hash, one transaction; a refusal is one read and one hash, whatever its reason.</summary>
internal sealed class LogIn(
    NpgsqlDataSource db, PasswordHashing hashing, PasswordAttempts attempts, CounterKeys counters, StartSession startSession, EmailOptions email, AuditTrail audit)
{
    private static readonly string[] Password = ["pwd"];   // RFC 8176

    // The account may change between its read and its session; each further round needs one more change.
    private const int MaxRounds = 3;

    private static readonly SqlFile FindUser = SqlFile.Beside<LogIn>("find_user");

    public async Task<Outcome<TokenResponse>> ExecuteAsync(LoginRequest request, Caller caller, DeviceCookie device, CancellationToken ct)
    {
        // One answer for a network address that is known to be over its limit, before it costs anything. Not for the devices of those who sign in there.
        if (device.Shown is null && attempts.KnownOver(caller) is { } over) return over;
        var account = await FindAsync(request.Email, ct);
        if ((await attempts.BeginAsync(Target(request, account, device, caller), caller, ct)).Failed(out var refused, out var attempt)) return refused;
        await using (attempt) return await TryAsync(request, account, attempt, caller, device, ct);
    }

    private async Task<Outcome<TokenResponse>> TryAsync(
        LoginRequest request, Account? account, PasswordAttempt attempt, Caller caller, DeviceCookie device, CancellationToken ct)
    {
        var provedHash = attempt.MayLook ? account?.PasswordHash : null;
        if ((await hashing.VerifyAsync(request.Password, provedHash, ct)).Failed(out var busy, out var verdict))
        {
            await attempt.EndAsync(LookEnd.NotLooked, ct);
            return busy;
        }

        attempt.HasMatched = verdict.Matches;
        var failedBefore = attempt.FailedBefore;   // until it has ended
        var rehashed = default(string);

        for (var round = 0; round < MaxRounds; round++)
        {
            if (account is null || !verdict.Matches || !MaySignIn(account)) break;
            if (verdict.NeedsRehash && rehashed is null)
            {
                // Too busy to hash again is no reason to keep the user out: the next log-in will.
                (await hashing.HashAsync(request.Password, ct)).Failed(out _, out rehashed);
            }

            var identity = new ProvedIdentity(account.User, account.Version, Password, rehashed, account.PasswordIsTemporary)
            {
                DeviceMayBeNew = account.HasSignedIn && !IsKnown(device, account),
            };
            // The password was right, whatever comes of the session: that is counted while the session goes to the disk.
            var counting = attempt.EndAsync(LookEnd.Succeeded, ct);
            var starting = startSession.ExecuteAsync(identity, caller, ct);
            await Task.WhenAll(counting, starting);
            if (await starting is { } tokens)
            {
                device.Give(account.User.Id, account.Series);
                audit.Record(AuditEvent.Of(failedBefore == 0 ? AuditTypes.LoginSuccess : AuditTypes.LoginSuccessAfterFail, caller).On("user", account.User.Id) with
                {
                    ActorType = "user",
                    ActorId = account.User.Id,
                    Reason = failedBefore == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{failedBefore} failed"),
                });
                return tokens;
            }

            // Changed meanwhile. What was proved is the password: as long as that is still the account's, look again.
            account = await FindAsync(request.Email, ct);
            if (account?.PasswordHash != provedHash) break;
        }

        await attempt.EndAsync(LookEnd.Failed, ct);
        return Refuse(account, attempt, caller);
    }

    /// <summary>By what the attempt is counted: by the device if the account has signed in there, else by the account and the address it comes from.</summary>
    private PasswordTarget Target(LoginRequest request, Account? account, DeviceCookie device, Caller caller)
    {
        if (account is not null && IsKnown(device, account) && device.Shown is { } shown)
        {
            return new PasswordTarget(counters.Device(shown.Id, account.Series), account.User.Email, account.User.Id, IsStopped: false)
            {
                IsKnownDevice = true,
                ForgetsDevices = true,
            };
        }

        var address = account?.User.Email ?? request.Email;
        var counter = counters.Account(address, account?.Series ?? 0);
        return new PasswordTarget(counter, address, account?.User.Id, account is { IsStopped: true }) { FromIp = counters.AccountFrom(caller.Ip, counter) };
    }

    private static bool IsKnown(DeviceCookie device, Account account) =>
        device.Shown is { } shown && shown.UserId == account.User.Id && shown.Series == account.Series;

    private bool MaySignIn(Account account) =>
        account is { IsActive: true, PasswordIsOver: false } && (account.EmailVerified || !email.RequireVerified);

    private Problem Refuse(Account? account, PasswordAttempt attempt, Caller caller)
    {
        var failed = AuditEvent.Of(AuditTypes.LoginFail, caller) with { Outcome = AuditOutcome.Failure, Reason = attempt.MayLook ? null : "not looked at" };
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
            row.GetString(4), row.GetInt64(5), row.GetBoolean(6), row.GetBoolean(7), row.GetBoolean(8), row.GetBoolean(9),
            row.GetBoolean(10), row.GetInt32(11), row.GetBoolean(12));
    }

    private sealed record Account(SignedInUser User, string PasswordHash, long Version, bool IsActive, bool EmailVerified,
        bool PasswordIsTemporary, bool PasswordIsOver, bool IsStopped, int Series, bool HasSignedIn);
}
