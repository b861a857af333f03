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
    }

    private static async Task<Ok<DatabaseStatus>> GetStatusAsync(GetDatabaseStatus status, CancellationToken ct) => TypedResults.Ok(await status.ExecuteAsync(ct));
}
