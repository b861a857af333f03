using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Sessions;
using AuthService.Http;
using AuthService.Passwords;

namespace AuthService.Features.Users;

/// <summary>Gives an account a temporary password and ends its sessions. For the operator of the machine; over HTTP a lost password
/// is the owner's to replace.</summary>
internal sealed class ResetPassword(Changes changes, PasswordHashing hashing, PasswordOptions options)
{
    private static readonly SqlFile SetTemporary = SqlFile.Beside<ResetPassword>("set_temporary");

    public async Task<Outcome<CreatedUser>> ExecuteAsync(string email, Caller caller, CancellationToken ct)
    {
        var password = TemporaryPassword.Create();
        if ((await hashing.HashAsync(password, ct)).Failed(out var busy, out var hash)) return busy;

        return await changes.RunAsync<CreatedUser>(caller, [], async transaction =>
        {
            CreatedUser reset;
            await using (var set = SetTemporary.On(transaction).With(email).With(hash).With(options.TemporaryPasswordLifetime))
            await using (var row = await set.ExecuteReaderAsync(ct))
            {
                if (!await row.ReadAsync(ct)) return UsersProblems.NotFound;
                reset = new CreatedUser { Id = row.GetInt64(0), TemporaryPassword = password, TemporaryPasswordUntil = row.GetFieldValue<DateTimeOffset>(1) };
            }

            await EndSessions.AllOfAsync(transaction, reset.Id, except: null, "password_reset", ct);
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.PasswordChange, caller).On("user", reset.Id) with { Reason = "reset" }, ct);
            return reset;
        }, ct);
    }
}
