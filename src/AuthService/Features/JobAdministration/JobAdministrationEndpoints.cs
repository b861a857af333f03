using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.JobAdministration;

/// <summary>HTTP surface of background work, for operators.</summary>
internal static class JobAdministrationEndpoints
{
    public static void MapJobAdministration(this IEndpointRouteBuilder routes)
    {
        var jobs = routes.MapGroup("/admin/jobs").WithTags("Operations").RequirePermission(OwnPermissions.SystemAdmin);
        jobs.MapGet("", ListAsync).WithSummary("Jobs, newest first; those with state=dead wait for somebody to look at them");
        jobs.MapPost("", ChangeAsync).WithSummary("Queue dead letters again, delete one, or run a recurring job now").MayFail(404, 409);
        jobs.MapGet("/recurring", ListRecurringAsync).WithSummary("Recurring jobs: how far they are, and what the last run came to");
    }

    private static async Task<Results<Ok<Page<JobInfo>>, ProblemResult>> ListAsync(
        string? state, string? kind, string? sort, [AsParameters] Paging paging, ListJobs list, HttpContext context, CancellationToken ct)
    {
        var outcome = await list.ExecuteAsync(state, kind, sort, paging, ct);
        if (outcome.Failed(out var problem, out var page)) return problem.ToHttp();
        Paging.Link(context, page);
        return TypedResults.Ok(page);
    }

    private static async Task<Results<Ok<JobResult>, ProblemResult>> ChangeAsync(JobRequest request, Caller caller, ChangeJobs change, CancellationToken ct)
    {
        var outcome = await change.ExecuteAsync(request, caller, ct);
        if (outcome.Failed(out var problem, out var result)) return problem.ToHttp();
        return TypedResults.Ok(result);
    }

    private static async Task<Ok<RecurringJobs>> ListRecurringAsync(ListRecurringJobs list, CancellationToken ct) => TypedResults.Ok(new RecurringJobs(await list.ExecuteAsync(ct)));
}
