using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.DatabaseAdministration;

/// <summary>HTTP surface of the database's state, for operators.</summary>
internal static class DatabaseAdministrationEndpoints
{
    public static void MapDatabaseAdministration(this IEndpointRouteBuilder routes)
    {
        var admin = routes.MapGroup("/admin").WithTags("Operations").RequirePermission(OwnPermissions.SystemAdmin);
        admin.MapGet("/db-status", GetStatusAsync).WithSummary("This node's connection pools, and what the server allows");
        admin.MapGet("/slow-queries", ListSlowQueriesAsync).WithSummary("What the database spends its time on").MayBeCompressed();
        admin.MapGet("/indexes", CheckIndexesAsync).WithSummary("Indexes that are unused, missing, bloated, invalid or there twice").MayBeCompressed();
    }

    private static async Task<Ok<DatabaseStatus>> GetStatusAsync(GetDatabaseStatus status, CancellationToken ct) => TypedResults.Ok(await status.ExecuteAsync(ct));

    private static async Task<Results<Ok<SlowQueries>, ProblemResult>> ListSlowQueriesAsync(int? limit, ListSlowQueries list, CancellationToken ct) =>
        (await list.ExecuteAsync(limit, ct)).Failed(out var problem, out var queries) ? problem.ToHttp() : TypedResults.Ok(queries);

    private static async Task<Ok<IndexReport>> CheckIndexesAsync(CheckIndexes check, CancellationToken ct) => TypedResults.Ok(await check.ExecuteAsync(ct));
}
