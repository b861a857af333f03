using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Features.Authorization;
using AuthService.Features.Roles;
using AuthService.Http;
using AuthService.Passwords;

namespace AuthService.Features.Users;

/// <summary>Makes an account for somebody else. The password is the service's own invention, works for some days, and must be
/// changed before anything else: no administrator ever knows a lasting one.</summary>
internal sealed class CreateUser(Changes changes, PasswordHashing hashing, PasswordOptions options)
{
    public Task<Outcome<CreatedUser>> ExecuteAsync(CreateUserRequest request, Caller caller, CancellationToken ct) =>
        ExecuteAsync(request, caller, [SystemRoles.Everyone], ct);

    /// <param name="roles">Names. Not from a request: whoever may make accounts may not thereby grant roles.</param>
    public async Task<Outcome<CreatedUser>> ExecuteAsync(CreateUserRequest request, Caller caller, string[] roles, CancellationToken ct)
    {
        var password = TemporaryPassword.Create();
        if ((await hashing.HashAsync(password, ct)).Failed(out var busy, out var hash)) return busy;

        return await changes.RunAsync<CreatedUser>(caller, [], async transaction =>
        {
            var added = await AddUser.ExecuteAsync(transaction, new NewUser(
                request.Email, request.Username, string.IsNullOrEmpty(request.DisplayName) ? null : request.DisplayName, hash,
                roles, options.TemporaryPasswordLifetime, caller.UserId, EmailVerified: caller.UserId is null), ct);
            if (added.Id is not { } id) return added.EmailTaken ? UsersProblems.EmailTaken : UsersProblems.UsernameTaken;
            // Whoever makes an account knows its first password, so its rights are theirs.
            if (await Authority.OverUserAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.UserCreated, caller).On("user", id), ct);
            return new CreatedUser { Id = id, TemporaryPassword = password, TemporaryPasswordUntil = added.TemporaryUntil!.Value };
        }, ct);
    }
}
