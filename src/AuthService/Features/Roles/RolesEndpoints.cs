using AuthService.Caching;
using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Roles;

/// <summary>HTTP surface of roles and of the permissions in them.</summary>
internal static class RolesEndpoints
{
    private static readonly TimeSpan ListLife = TimeSpan.FromMinutes(5);

    public static void MapRoles(this IEndpointRouteBuilder routes)
    {
        var roles = routes.MapGroup("/api/v1/roles").WithTags("Roles");
        roles.MapGet("", ListAsync).RequirePermission(OwnPermissions.RolesRead).WithSummary("List roles").Cached(ListLife, [CacheTags.Catalog], "roles:list").MayBeCompressed();
        roles.MapPost("", CreateAsync).RequirePermission(OwnPermissions.RolesWrite).WithSummary("Make a role").MayFail(409).WaitsForNodes();
        roles.MapGet("/{id:long}", GetAsync).RequirePermission(OwnPermissions.RolesRead).WithSummary("One role with its permissions");
        roles.MapPatch("/{id:long}", UpdateAsync).RequirePermission(OwnPermissions.RolesWrite).WithSummary("Rename or describe a role").MayFail(409, 412).WaitsForNodes();
        roles.MapDelete("/{id:long}", DeleteAsync).RequirePermission(OwnPermissions.RolesWrite).WithSummary("Delete a role").MayFail(409, 412).WaitsForNodes();
        roles.MapPut("/{id:long}/permissions/{permissionId:long}", AddPermissionAsync).RequirePermission(OwnPermissions.RolesWrite)
            .WithSummary("Put a permission into a role").MayFail(409).WaitsForNodes();
        roles.MapDelete("/{id:long}/permissions/{permissionId:long}", RemovePermissionAsync).RequirePermission(OwnPermissions.RolesWrite)
            .WithSummary("Take a permission out of a role").MayFail(409).WaitsForNodes();
    }

    private static async Task<Results<Ok<Page<RoleInfo>>, ProblemResult>> ListAsync(
        [AsParameters] Paging paging, string? search, string? sort, ListRoles list, HttpContext context, CancellationToken ct)
    {
        var outcome = await list.ExecuteAsync(search, sort, paging, ct);
        if (outcome.Failed(out var problem, out var page)) return problem.ToHttp();
        Paging.Link(context, page);
        return TypedResults.Ok(page);
    }

    private static async Task<Results<Created<CreatedResource>, ProblemResult>> CreateAsync(
        CreateRoleRequest request, Caller caller, CreateRole create, CancellationToken ct)
    {
        var outcome = await create.ExecuteAsync(caller, request, ct);
        if (outcome.Failed(out var problem, out var created)) return problem.ToHttp();
        return TypedResults.Created($"/api/v1/roles/{created.Id}", created);
    }

    private static async Task<Results<Ok<RoleInfo>, ProblemResult>> GetAsync(long id, GetRole get, HttpResponse response, CancellationToken ct) =>
        Answer(await get.ExecuteAsync(id, ct), response);

    private static async Task<Results<Ok<RoleInfo>, ProblemResult>> UpdateAsync(
        long id, UpdateRoleRequest request, IfMatch ifMatch, Caller caller, UpdateRole update, HttpResponse response, CancellationToken ct) =>
        Answer(await update.ExecuteAsync(caller, id, ifMatch, request, ct), response);

    private static async Task<Results<NoContent, ProblemResult>> DeleteAsync(
        long id, IfMatch ifMatch, Caller caller, DeleteRole delete, CancellationToken ct) =>
        await delete.ExecuteAsync(caller, id, ifMatch, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<NoContent, ProblemResult>> AddPermissionAsync(
        long id, long permissionId, Caller caller, RolePermissions permissions, CancellationToken ct) =>
        await permissions.AddAsync(caller, id, permissionId, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<NoContent, ProblemResult>> RemovePermissionAsync(
        long id, long permissionId, Caller caller, RolePermissions permissions, CancellationToken ct) =>
        await permissions.RemoveAsync(caller, id, permissionId, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static Results<Ok<RoleInfo>, ProblemResult> Answer(Outcome<VersionedRole> outcome, HttpResponse response)
    {
        if (outcome.Failed(out var problem, out var found)) return problem.ToHttp();
        response.SetVersion(found.Version);
        return TypedResults.Ok(found.Role);
    }
}
