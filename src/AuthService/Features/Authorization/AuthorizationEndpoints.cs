using System.Globalization;
using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Authorization;

/// <summary>HTTP surface of permission checks.</summary>
internal static class AuthorizationEndpoints
{
    public static void MapAuthorization(this IEndpointRouteBuilder routes)
    {
        var authz = routes.MapGroup("/api/v1/authz").WithTags("Authorization").RequireSession();
        authz.MapPost("/check", CheckAsync).WithSummary("May an account do this?");
        authz.MapPost("/check/batch", CheckBatchAsync).WithSummary("Up to 100 checks, answered from one state");
        authz.MapGet("/forward", ForwardAsync).WithSummary("200, 401 or 403 for reverse proxies that ask before they forward");
        routes.MapGet("/api/v1/me/permissions", MineAsync).WithTags("Me").RequireSession().WithSummary("What the caller may do");
    }

    private static async Task<Results<Ok<CheckResponse>, ProblemResult>> CheckAsync(
        CheckRequest request, Caller caller, CheckPermission check, CancellationToken ct)
    {
        var outcome = await check.ExecuteAsync(caller, request, ct);
        if (outcome.Failed(out var problem, out var answer)) return problem.ToHttp();
        return TypedResults.Ok(answer);
    }

    private static async Task<Results<Ok<BatchCheckResponse>, ProblemResult>> CheckBatchAsync(
        BatchCheckRequest request, Caller caller, CheckPermission check, CancellationToken ct)
    {
        var outcome = await check.ExecuteAsync(caller, request.Checks, ct);
        if (outcome.Failed(out var problem, out var answers)) return problem.ToHttp();
        return TypedResults.Ok(answers);
    }

    /// <summary>nginx <c>auth_request</c>, Traefik and Caddy pass the client's headers and look at the status alone.</summary>
    private static async Task<Results<Ok, ProblemResult>> ForwardAsync(
        string? permission, Caller caller, CheckPermission check, HttpResponse response, CancellationToken ct)
    {
        if (permission is not null)
        {
            var outcome = await check.ExecuteAsync(caller, new CheckRequest { Permission = permission }, ct);
            if (outcome.Failed(out var problem, out var answer)) return problem.ToHttp();
            if (!answer.Allowed) return AccessProblems.NotPermitted.ToHttp();
        }

        response.Headers["X-Auth-User-Id"] = caller.SignedInUserId.ToString(CultureInfo.InvariantCulture);
        response.Headers["X-Auth-Session-Id"] = caller.SignedInSessionId.ToString();
        return TypedResults.Ok();
    }

    private static async Task<Ok<RightsResponse>> MineAsync(Caller caller, Rights rights, CancellationToken ct)
    {
        var mine = await rights.OfAsync(caller.SignedInUserId, ct);
        return TypedResults.Ok(new RightsResponse(caller.SignedInUserId, mine.Roles, mine.Permissions, mine.Revision));
    }
}
