using System.Security.Cryptography;
using AuthService.Audit;
using AuthService.Client;
using AuthService.Features.Email;
using AuthService.Features.Roles;
using AuthService.Features.Users;
using AuthService.Http;
using AuthService.Jobs;
using AuthService.Passwords;
using AuthService.Throttling;
using Npgsql;

namespace AuthService.Features.Authentication;

/// <summary>
/// Makes an account for whoever asks. Whether the address was taken is not told, in words or in work: both ways hash once,
/// run the same statements, commit an audit event and have a mail sent.
/// <para>A taken user name is not an error either: asking for the same address and name twice would then tell the two cases
/// apart. The account gets the name with digits after it, which its owner sees and can change.</para>
/// </summary>
internal sealed class Register(
    NpgsqlDataSource db, PasswordHashing hashing, PasswordPolicy policy, BreachedPasswords breached, RateLimits limits, RegistrationOptions options, AccountMails mails, JobQueue queue)
{
    private const int UsernameMaxLength = 64;
    private const int DigitCount = 8;

    public async Task<Problem?> ExecuteAsync(RegisterRequest request, Caller caller, CancellationToken ct)
    {
        if (!options.Enabled) return AuthenticationProblems.RegistrationDisabled;
        var weak = policy.Check(request.Password, "/password", request.Email, request.Username, request.DisplayName);
        if (weak.Count > 0) return HttpProblems.Invalid with { Errors = weak };
        var (tally, over) = await limits.CountAsync(limits.Registrations, caller);
        if (over is not null) return over;
        if (await breached.RefuseAsync(request.Password, "/password", ct) is { } stolen) return stolen;   // before it is known whether there is such an account
        if ((await hashing.HashAsync(request.Password, ct)).Failed(out var busy, out var hash)) return busy;

        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var user = new NewUser(request.Email, request.Username, NullIfEmpty(request.DisplayName), hash, [SystemRoles.Everyone]);
        var first = await AddUser.ExecuteAsync(transaction, user, ct);
        // Always, also when the first has made the account (then it meets the address and makes none): a second statement that
        // only ran for some would tell them from the others.
        var second = await AddUser.ExecuteAsync(transaction, user with { Username = WithDigits(user.Username) }, ct);
        var added = first.Id is null ? second : first;
        await AuditTrail.AppendAsync(transaction, Event(added, caller), ct);
        // Always: which mail it is, says the account's state when the mail is written, away from this request.
        await queue.EnqueueAsync(transaction, mails.ToAddress(MailOccasions.Registration, request.Email, caller), ct);
        await transaction.CommitAsync(ct);
        RateLimits.Tell(caller, (limits.Registrations, tally));
        return null;
    }

    /// <summary>Long enough that a second collision does not happen; then the registration would silently come to nothing.</summary>
    private static string WithDigits(string username)
    {
        var digits = RandomNumberGenerator.GetString("0123456789", DigitCount);
        return username[..Math.Min(username.Length, UsernameMaxLength - DigitCount - 1)] + "-" + digits;
    }

    private static AuditEvent Event(AddedUser added, Caller caller)
    {
        var created = AuditEvent.Of(AuditTypes.UserCreated, caller);
        return added.Id is { } id ? created.On("user", id)
            : created with { Outcome = AuditOutcome.Failure, Reason = "email taken" };
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
