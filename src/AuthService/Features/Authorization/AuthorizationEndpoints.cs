using System.Globalization;
using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace AuthService.Features.Authorization;

/// <summary>HTTP surface of permission checks.</summary>
internal static class AuthorizationEndpoints
{
    public static void MapAuthorization(this IEndpointRouteBuilder routes)
    {
        var authz = routes.MapGroup("/api/v1/authz").WithTags("Authorization").RequireSession().OftenAsked();
        authz.MapPost("/check", CheckAsync).DisableValidation().WithSummary("May an account do this?");   // CheckForm validates
        authz.MapPost("/check/batch", CheckBatchAsync).WithSummary("Up to 100 checks, answered from one state");
        routes.MapPost("/api/v1/authz/explain", ExplainAsync).WithTags("Authorization").RequirePermission(OwnPermissions.UsersRead)
            .WithSummary("Why may an account do this, or not?");
        authz.MapGet("/forward", ForwardAsync).WithSummary("200, 401 or 403 for reverse proxies that ask before they forward");
        routes.MapGet("/api/v1/me/permissions", MineAsync).WithTags("Me").RequireSession().WithSummary("What the caller may do");
    }

    private static async Task<Results<JsonAnswer<CheckResponse>, ProblemResult>> CheckAsync(
        SmallBody<CheckRequest> body, Caller caller, CheckPermission check, HttpResponse response, CancellationToken ct)
    {
        var request = body.Value;
        if (CheckForm.ProblemOf(request) is { } invalid) return invalid.ToHttp();
        var outcome = await check.ExecuteAsync(caller, request, ct);
        if (outcome.Failed(out var problem, out var answer)) return problem.ToHttp();
        SetTier(response, answer);
        return new JsonAnswer<CheckResponse>(new CheckResponse(answer.Results[0], answer.Revision));
    }

    private static async Task<Results<JsonAnswer<BatchCheckResponse>, ProblemResult>> CheckBatchAsync(
        BatchCheckRequest request, Caller caller, CheckPermission check, HttpResponse response, CancellationToken ct)
    {
        var outcome = await check.ExecuteAsync(caller, request.Checks, request.AtLeast, ct);
        if (outcome.Failed(out var problem, out var answer)) return problem.ToHttp();
        SetTier(response, answer);
        return new JsonAnswer<BatchCheckResponse>(new BatchCheckResponse(answer.Results, answer.Revision));
    }

    /// <summary>nginx <c>auth_request</c>, Traefik and Caddy pass the client's headers and look at the status alone.</summary>
    private static async Task<Results<Ok, ProblemResult>> ForwardAsync(
        string? permission, [FromHeader(Name = ChangeReceipt.RevisionHeader)] string? atLeast, Caller caller, CheckPermission check, HttpResponse response, CancellationToken ct)
    {
        if (permission is null)
        {
            if (!await check.AcceptAsync(atLeast, ct)) return AuthorizationProblems.RevisionNotValid.ToHttp();
        }
        else
        {
            var outcome = await check.ExecuteAsync(caller, new CheckRequest { Permission = permission, AtLeast = atLeast }, ct);
            if (outcome.Failed(out var problem, out var answer)) return problem.ToHttp();
            SetTier(response, answer);
            if (!answer.Results[0]) return AccessProblems.NotPermitted.ToHttp();
        }

        response.Headers["X-Auth-User-Id"] = caller.SignedInUserId.ToString(CultureInfo.InvariantCulture);
        response.Headers["X-Auth-Session-Id"] = caller.SignedInSessionId.ToString();
        return TypedResults.Ok();
    }

    private static async Task<Results<Ok<ExplainResponse>, ProblemResult>> ExplainAsync(ExplainRequest request, ExplainPermission explain, CancellationToken ct) =>
        TypedResults.Ok(await explain.ExecuteAsync(request.UserId!.Value, request.Permission, ct));

    private static async Task<Results<Ok<RightsResponse>, EmptyHttpResult>> MineAsync(
        Caller caller, Rights rights, CheckPermission check, HttpResponse response, CancellationToken ct)
    {
        var mine = await rights.OfAsync(caller.SignedInUserId, ct);
        if (response.IsKnownToClient(mine.ETag)) return TypedResults.Empty;
        return TypedResults.Ok(new RightsResponse(caller.SignedInUserId, mine.Roles, mine.Permissions, check.RevisionOf(caller.SignedInUserId)));
    }

    private static void SetTier(HttpResponse response, CheckAnswers answer)
    {
        if (answer.Tier is { } tier) response.Headers["X-Authz-Tier"] = tier;
    }
}
