using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Sessions;

/// <summary>HTTP surface of the caller's own sessions.</summary>
internal static class SessionsEndpoints
{
    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        var mine = routes.MapGroup("/api/v1/me/sessions").WithTags("Me").RequireSession();
        mine.MapGet("", ListAsync).WithSummary("The caller's live sessions").MayBeCompressed();
        mine.MapDelete("/{id:guid}", EndAsync).WithSummary("End one of the caller's sessions").WaitsForNodes();
    }

    private static async Task<Results<Ok<Page<SessionInfo>>, ProblemResult>> ListAsync(
        [AsParameters] Paging paging, string? sort, Caller caller, ListSessions list, HttpContext context, CancellationToken ct)
    {
        var outcome = await list.ExecuteAsync(caller, caller.SignedInUserId, AccessProblems.TokenNotValid, sort, paging, ct);
        if (outcome.Failed(out var problem, out var page)) return problem.ToHttp();
        Paging.Link(context, page);
        return TypedResults.Ok(page);
    }

    private static async Task<Results<NoContent, ProblemResult>> EndAsync(Guid id, Caller caller, EndSessions end, CancellationToken ct) =>
        await end.OneAsync(caller, id, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();
}
