using AuthService.Client;
using AuthService.Features.Email;
using AuthService.Features.Sessions;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Authentication;

/// <summary>HTTP surface of signing in and out. Every answer that carries a token is marked as not to be stored.</summary>
internal static class AuthenticationEndpoints
{
    public static void MapAuthentication(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/api/v1/auth").WithTags("Authentication");
        auth.MapPost("/register", RegisterAsync).AllowAnyone().WithSummary("Make an account").MayFail(403, 429);
        auth.MapPost("/login", LogInAsync).AllowAnyone().WithSummary("Sign in with address and password").MayFail(401, 429);
        auth.MapPost("/refresh", RefreshAsync).AllowAnyone().OftenAsked().DisableValidation().WithSummary("Exchange a refresh token for its successor and a new access token").MayFail(401, 429);   // RefreshForm validates
        auth.MapPost("/logout", LogOutAsync).RequireSession(beforePasswordChange: true).WithSummary("End this session").WaitsForNodes();
        auth.MapPost("/logout-all", LogOutAllAsync).RequireSession(beforePasswordChange: true).WithSummary("End every session of the account").WaitsForNodes();
        auth.MapPost("/password/change", ChangePasswordAsync).RequireSession(beforePasswordChange: true)
            .WithSummary("Set a new password and end every other session").MayFail(412, 429).WaitsForNodes();
        auth.MapPost("/password/forgot", ForgotPasswordAsync).AllowAnyone().WithSummary("Have a link sent that replaces a forgotten password").MayFail(429);
        auth.MapPost("/password/reset", ResetPasswordAsync).AllowAnyone().WithSummary("Set a new password with the token of such a link, and end every session").MayFail(429);
        auth.MapPost("/email/verify", VerifyEmailAsync).AllowAnyone().WithSummary("Verify an address with the token that was sent there").MayFail(429);
        auth.MapPost("/email/resend", ResendVerificationAsync).AllowAnyone().WithSummary("Have a link sent once more that verifies an address").MayFail(429);
    }

    private static async Task<Results<Accepted, ProblemResult>> RegisterAsync(
        RegisterRequest request, Caller caller, Register register, CancellationToken ct) =>
        await register.ExecuteAsync(request, caller, ct) is { } problem ? problem.ToHttp() : TypedResults.Accepted((string?)null);

    private static async Task<Results<Ok<TokenResponse>, ProblemResult>> LogInAsync(
        LoginRequest request, Caller caller, DeviceCookie device, LogIn logIn, HttpResponse response, CancellationToken ct)
    {
        response.Headers.CacheControl = "no-store";
        var outcome = await logIn.ExecuteAsync(request, caller, device, ct);
        if (outcome.Failed(out var problem, out var tokens)) return problem.ToHttp();
        return TypedResults.Ok(tokens);
    }

    private static async Task<Results<JsonAnswer<TokenResponse>, ProblemResult>> RefreshAsync(
        SmallBody<RefreshRequest> body, Caller caller, RefreshSession refresh, HttpResponse response, CancellationToken ct)
    {
        response.Headers.CacheControl = "no-store";
        if (RefreshForm.ProblemOf(body.Value) is { } invalid) return invalid.ToHttp();
        var outcome = await refresh.ExecuteAsync(body.Value.RefreshToken, caller, ct);
        if (outcome.Failed(out var problem, out var tokens)) return problem.ToHttp();
        return new JsonAnswer<TokenResponse>(tokens);
    }

    private static async Task<NoContent> LogOutAsync(Caller caller, EndSessions end, CancellationToken ct)
    {
        // A session that has just ended some other way is as gone as the caller wants it.
        await end.OneAsync(caller, caller.SignedInSessionId, ct);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> LogOutAllAsync(Caller caller, EndSessions end, CancellationToken ct)
    {
        await end.AllAsync(caller, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemResult>> ChangePasswordAsync(
        ChangePasswordRequest request, Caller caller, DeviceCookie device, ChangePassword change, CancellationToken ct) =>
        await change.ExecuteAsync(request, caller, device, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<Accepted, ProblemResult>> ForgotPasswordAsync(
        ForgotPasswordRequest request, Caller caller, RequestAccountMail mail, CancellationToken ct) =>
        await mail.ExecuteAsync(MailOccasions.ForgottenPassword, request.Email, caller, ct) is { } problem ? problem.ToHttp() : TypedResults.Accepted((string?)null);

    private static async Task<Results<NoContent, ProblemResult>> ResetPasswordAsync(
        ResetPasswordRequest request, Caller caller, ReplaceForgottenPassword replace, CancellationToken ct) =>
        await replace.ExecuteAsync(request, caller, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<NoContent, ProblemResult>> VerifyEmailAsync(
        VerifyEmailRequest request, Caller caller, VerifyEmail verify, CancellationToken ct) =>
        await verify.ExecuteAsync(request, caller, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<Accepted, ProblemResult>> ResendVerificationAsync(
        ResendVerificationRequest request, Caller caller, RequestAccountMail mail, CancellationToken ct) =>
        await mail.ExecuteAsync(MailOccasions.Verification, request.Email, caller, ct) is { } problem ? problem.ToHttp() : TypedResults.Accepted((string?)null);
}
