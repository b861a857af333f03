using AuthService.Audit;
using AuthService.Client;
using AuthService.Features.Users;
using AuthService.Http;
using AuthService.Passwords;
using Npgsql;

namespace AuthService.Features.Authentication;

/// <summary>
/// Makes an account for whoever asks. Whether the address was taken is not told, in words or in work: both ways hash once,
/// run the same statements and commit an audit event. User names are public, so a taken one is said.
/// </summary>
internal sealed class Register(NpgsqlDataSource db, PasswordHashing hashing, PasswordPolicy policy, RegistrationOptions options)
{
    public async Task<Problem?> ExecuteAsync(RegisterRequest request, Caller caller, CancellationToken ct)
    {
        if (!options.Enabled) return AuthenticationProblems.RegistrationDisabled;
        var weak = policy.Check(request.Password, "/password", request.Email, request.Username, request.DisplayName);
        if (weak.Count > 0) return HttpProblems.Invalid with { Errors = weak };
        if ((await hashing.HashAsync(request.Password, ct)).Failed(out var busy, out var hash)) return busy;

        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var added = await AddUser.ExecuteAsync(transaction,
            new NewUser(request.Email, request.Username, NullIfEmpty(request.DisplayName), hash, [AddUser.EveryonesRole]), ct);
        await AuditTrail.AppendAsync(transaction, Event(added, caller), ct);
        await transaction.CommitAsync(ct);

        // Said before the address is looked at, so the two can't be told apart by asking twice.
        return added is { Id: null, UsernameTaken: true } ? UsersProblems.UsernameTaken : null;
    }

    private static AuditEvent Event(AddedUser added, Caller caller)
    {
        var created = AuditEvent.Of(AuditTypes.UserCreated, caller);
        return added.Id is { } id ? created.On("user", id)
            : created with { Outcome = AuditOutcome.Failure, Reason = added.EmailTaken ? "email taken" : "username taken" };
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
