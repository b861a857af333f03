using AuthService.Caching;
using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Permissions;

/// <summary>HTTP surface of permission definitions.</summary>
internal static class PermissionsEndpoints
{
    private static readonly TimeSpan ListLife = TimeSpan.FromMinutes(5);

    public static void MapPermissions(this IEndpointRouteBuilder routes)
    {
        var permissions = routes.MapGroup("/api/v1/permissions").WithTags("Permissions");
        permissions.MapGet("", ListAsync).RequirePermission(OwnPermissions.PermissionsRead).WithSummary("List permissions").Cached(ListLife, [CacheTags.Catalog], "permissions:all").MayBeCompressed();
        permissions.MapPost("", CreateAsync).RequirePermission(OwnPermissions.PermissionsWrite).WithSummary("Make a permission").MayFail(409).WaitsForNodes();
        permissions.MapGet("/{id:long}", GetAsync).RequirePermission(OwnPermissions.PermissionsRead).WithSummary("One permission");
        permissions.MapPatch("/{id:long}", UpdateAsync).RequirePermission(OwnPermissions.PermissionsWrite).WithSummary("Describe or rename a permission").MayFail(409, 412).WaitsForNodes();
        permissions.MapDelete("/{id:long}", DeleteAsync).RequirePermission(OwnPermissions.PermissionsWrite).WithSummary("Delete a permission").MayFail(409, 412).WaitsForNodes();
    }

    private static async Task<Results<Ok<Page<PermissionInfo>>, ProblemResult>> ListAsync(
        [AsParameters] Paging paging, string? search, string? sort, ListPermissions list, HttpContext context, CancellationToken ct)
    {
        var outcome = await list.ExecuteAsync(search, sort, paging, ct);
        if (outcome.Failed(out var problem, out var page)) return problem.ToHttp();
        Paging.Link(context, page);
        return TypedResults.Ok(page);
    }

    private static async Task<Results<Created<CreatedResource>, ProblemResult>> CreateAsync(
        CreatePermissionRequest request, Caller caller, CreatePermission create, CancellationToken ct)
    {
        var outcome = await create.ExecuteAsync(caller, request, ct);
        if (outcome.Failed(out var problem, out var created)) return problem.ToHttp();
        return TypedResults.Created($"/api/v1/permissions/{created.Id}", created);
    }

    private static async Task<Results<Ok<PermissionInfo>, EmptyHttpResult, ProblemResult>> GetAsync(
        long id, GetPermission get, HttpResponse response, CancellationToken ct)
    {
        if ((await get.ExecuteAsync(id, ct)).Failed(out var problem, out var found)) return problem.ToHttp();
        if (response.IsKnownToClient(ETags.Of(found.Version))) return TypedResults.Empty;
        return TypedResults.Ok(found.Permission);
    }

    private static async Task<Results<Ok<PermissionInfo>, ProblemResult>> UpdateAsync(
        long id, UpdatePermissionRequest request, IfMatch ifMatch, Caller caller, UpdatePermission update, HttpResponse response, CancellationToken ct) =>
        Answer(await update.ExecuteAsync(caller, id, ifMatch, request, ct), response);

    private static async Task<Results<NoContent, ProblemResult>> DeleteAsync(
        long id, IfMatch ifMatch, Caller caller, DeletePermission delete, CancellationToken ct) =>
        await delete.ExecuteAsync(caller, id, ifMatch, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static Results<Ok<PermissionInfo>, ProblemResult> Answer(Outcome<VersionedPermission> outcome, HttpResponse response)
    {
        if (outcome.Failed(out var problem, out var found)) return problem.ToHttp();
        response.SetVersion(found.Version);
        return TypedResults.Ok(found.Permission);
    }
}
