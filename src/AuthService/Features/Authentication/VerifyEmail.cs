using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Email;
using AuthService.Http;
using AuthService.Throttling;

namespace AuthService.Features.Authentication;

/// <summary>Marks an address as verified, for whoever shows what was sent there.</summary>
internal sealed class VerifyEmail(Changes changes, RateLimits limits)
{
    private static readonly SqlFile TakeToken = SqlFile.Beside<VerifyEmail>("take_token");

    public async Task<Problem?> ExecuteAsync(VerifyEmailRequest request, Caller caller, CancellationToken ct)
    {
        var problem = await changes.RunAsync(caller.WithoutReceipt(), [], async transaction =>
        {
            await using (var take = TakeToken.On(transaction).With(MailToken.HashOf(request.Token)))
            {
                if (await take.ExecuteScalarAsync(ct) is not long userId) return AuthenticationProblems.VerificationTokenNotValid;
                await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.UserUpdated, caller).On("user", userId) with { Reason = "email verified" }, ct);
            }

            return null;
        }, ct);
        return problem == AuthenticationProblems.VerificationTokenNotValid ? await limits.MailTokenFailedAsync(problem, caller) : problem;
    }
}
