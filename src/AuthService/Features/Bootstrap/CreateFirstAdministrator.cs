using System.Buffers.Text;
using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;
using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Roles;
using AuthService.Features.Users;
using AuthService.Http;
using AuthService.Passwords;
using Npgsql;

namespace AuthService.Features.Bootstrap;

/// <summary>
/// Makes the first administrator of an installation, from a one-time token printed at start or from the environment. Once there
/// is one, every token is gone and this can't be done again.
/// </summary>
internal sealed class CreateFirstAdministrator(NpgsqlDataSource db, Changes changes, PasswordHashing hashing, PasswordPolicy policy, BreachedPasswords breached)
{
    /// <summary>Unknown, used, a day old, or of an installation that has its administrator: one answer for all.</summary>
    public static readonly Problem TokenNotValid = new("bootstrap.token_not_valid", 401, "The bootstrap token is not valid.");

    private const int TokenBytes = 32;

    private static readonly SqlFile TakeToken = SqlFile.Beside<CreateFirstAdministrator>("take_token");
    private static readonly SqlFile DeleteTokens = SqlFile.Beside<CreateFirstAdministrator>("delete_tokens");
    private static readonly SqlFile HasAdministrator = SqlFile.Beside<CreateFirstAdministrator>("has_administrator");
    private static readonly SqlFile AddToken = SqlFile.Beside<CreateFirstAdministrator>("add_token");

    /// <summary>With a token, for whoever reads the service's output at its first start.</summary>
    public async Task<Outcome<BootstrapResponse>> WithTokenAsync(BootstrapRequest request, Caller caller, CancellationToken ct)
    {
        // Looked at before the hash, so that a stranger can't make this service hash; taken after it, in the transaction.
        var token = SHA256.HashData(Encoding.UTF8.GetBytes(request.Token));
        await using (var connection = await db.OpenConnectionAsync(ct))
        await using (var look = await connection.BeginTransactionAsync(ct))
        {
            if (!await TakeAsync(look, token, ct)) return TokenNotValid;   // rolled back either way
        }

        return await CreateAsync(request.Email, request.Password, token, caller, ct);
    }

    /// <summary>Without a token, for the operator of the machine (environment, command line).</summary>
    public async Task<Outcome<BootstrapResponse>> AsOperatorAsync(string email, string password, CancellationToken ct)
    {
        var request = new BootstrapRequest { Token = "not needed", Email = email, Password = password };
        if (!Validator.TryValidateObject(request, new ValidationContext(request), validationResults: null, validateAllProperties: true))
        {
            return HttpProblems.Invalid with { Errors = [new FieldError("/email", FieldCodes.Format, "The address is not one.")] };
        }

        return await CreateAsync(email, password, token: null, Caller.CommandLine, ct);
    }

    /// <summary>A token to print, while there is no administrator; null once there is one.</summary>
    public async Task<string?> NewTokenAsync(CancellationToken ct)
    {
        if (await ExistsAsync(ct)) return null;
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        await using var command = AddToken.On(db).With(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        await command.ExecuteNonQueryAsync(ct);
        return token;
    }

    public async Task<bool> ExistsAsync(CancellationToken ct)
    {
        await using var command = HasAdministrator.On(db);
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task<Outcome<BootstrapResponse>> CreateAsync(string email, string password, byte[]? token, Caller caller, CancellationToken ct)
    {
        var username = UsernameOf(email);
        var weak = policy.Check(password, "/password", email, username, displayName: null);
        if (weak.Count > 0) return HttpProblems.Invalid with { Errors = weak };
        if (await breached.RefuseAsync(password, "/password", ct) is { } stolen) return stolen;
        if ((await hashing.HashAsync(password, ct)).Failed(out var busy, out var hash)) return busy;

        return await changes.RunAsync<BootstrapResponse>(caller, [], async transaction =>
        {
            await Authority.LockAdministratorsAsync(transaction, ct);
            if (token is not null && !await TakeAsync(transaction, token, ct)) return TokenNotValid;
            await using (var exists = HasAdministrator.On(transaction))
            {
                if ((bool)(await exists.ExecuteScalarAsync(ct))!) return TokenNotValid;
            }

            var added = await AddUser.ExecuteAsync(transaction,
                new NewUser(email, username, DisplayName: null, hash, [SystemRoles.Administrator, SystemRoles.Everyone], EmailVerified: true), ct);
            if (added.Id is not { } id) return added.EmailTaken ? UsersProblems.EmailTaken : UsersProblems.UsernameTaken;
            await using (var forget = DeleteTokens.On(transaction)) await forget.ExecuteNonQueryAsync(ct);
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.UserCreated, caller).On("user", id) with { Reason = "first administrator" }, ct);
            return new BootstrapResponse(id, email, username);
        }, ct);
    }

    private static async Task<bool> TakeAsync(NpgsqlTransaction transaction, byte[] token, CancellationToken ct)
    {
        await using var command = TakeToken.On(transaction).With(token);
        return await command.ExecuteScalarAsync(ct) is not null;
    }

    private static string UsernameOf(string email)
    {
        var local = email[..email.IndexOf('@', StringComparison.Ordinal)];
        return local.Length is >= 2 and <= 64 && local.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') ? local : "admin";
    }
}
