using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.AuditEvents;

/// <summary>HTTP surface of the audit trail.</summary>
internal static class AuditEventsEndpoints
{
    public static void MapAuditEvents(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/api/v1/audit-events").WithTags("Audit").MapGet("", ListAsync).RequirePermission(OwnPermissions.AuditRead).WithSummary("Who did what to whom, newest first");

    private static async Task<Results<Ok<Page<AuditEventInfo>>, ProblemResult>> ListAsync(
        [AsParameters] AuditFilter filter, string? sort, [AsParameters] Paging paging, ListAuditEvents list, HttpContext context, CancellationToken ct)
    {
        var outcome = await list.ExecuteAsync(filter, sort, paging, ct);
        if (outcome.Failed(out var problem, out var page)) return problem.ToHttp();
        Paging.Link(context, page);
        return TypedResults.Ok(page);
    }
}
