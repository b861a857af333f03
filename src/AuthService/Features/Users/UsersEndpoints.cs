using AuthService.Client;
using AuthService.Features.Sessions;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace AuthService.Features.Users;

/// <summary>HTTP surface of accounts: the caller's own profile, and administration.</summary>
internal static class UsersEndpoints
{
    public static void MapUsers(this IEndpointRouteBuilder routes)
    {
        var users = routes.MapGroup("/api/v1/users").WithTags("Users");
        users.MapGet("/profile", GetProfileAsync).RequireSession(beforePasswordChange: true).WithSummary("The caller's own account");
        users.MapPatch("/profile", UpdateProfileAsync).RequireSession().WithSummary("Change the caller's own account").MayFail(409, 412).WaitsForNodes();

        users.MapGet("", ListAsync).RequirePermission(OwnPermissions.UsersRead).WithSummary("List accounts").MayBeCompressed();
        users.MapPost("", CreateAsync).RequirePermission(OwnPermissions.UsersWrite).WithSummary("Make an account with a temporary password").MayFail(409).WaitsForNodes();
        users.MapPost("/bulk", BulkAsync).RequirePermission(OwnPermissions.UsersWrite).WithSummary("Make and change up to 10,000 accounts").MayFail(409).WaitsForNodes()
            .WithMetadata(new RequestSizeLimitAttribute(BulkUsers.MaxBodyBytes));
        users.MapGet("/export", Export).RequirePermission(OwnPermissions.UsersRead).WithSummary("All accounts, one JSON object a line, or CSV")
            .Produces<string>(contentType: ExportUsers.ExportFormat.Ndjson.ContentType).Streams().MayBeCompressed();
        users.MapGet("/{id:long}", GetAsync).RequirePermission(OwnPermissions.UsersRead).WithSummary("One account with its roles and permissions");
        users.MapPatch("/{id:long}", UpdateAsync).RequirePermission(OwnPermissions.UsersWrite).WithSummary("Change an account").MayFail(409, 412).WaitsForNodes();
        users.MapPost("/{id:long}/activate", ActivateAsync).RequirePermission(OwnPermissions.UsersWrite).WithSummary("Let an account sign in again").WaitsForNodes();
        users.MapPost("/{id:long}/deactivate", DeactivateAsync).RequirePermission(OwnPermissions.UsersWrite).WithSummary("End an account's sessions and keep it out").MayFail(409).WaitsForNodes();
        users.MapPost("/{id:long}/unlock", UnlockAsync).RequirePermission(OwnPermissions.UsersWrite).WithSummary("Let a password work again that stopped after too many failures");
        users.MapDelete("/{id:long}", DeleteAsync).RequirePermission(OwnPermissions.UsersAdmin).WithSummary("Delete an account").MayFail(409, 412).WaitsForNodes();

        users.MapGet("/{id:long}/roles", ListRolesAsync).RequirePermission(OwnPermissions.UsersRead).WithSummary("The roles of an account");
        users.MapPut("/{id:long}/roles/{roleId:long}", GrantRoleAsync).RequirePermission(OwnPermissions.RolesAssign).WithSummary("Grant a role").WaitsForNodes();
        users.MapDelete("/{id:long}/roles/{roleId:long}", RevokeRoleAsync).RequirePermission(OwnPermissions.RolesAssign).WithSummary("Revoke a role").MayFail(409).WaitsForNodes();
        users.MapGet("/{id:long}/sessions", ListSessionsAsync).RequirePermission(OwnPermissions.SessionsRead).WithSummary("The live sessions of an account").MayBeCompressed();
    }

    private static Task<Results<Ok<UserDetail>, ProblemResult>> GetProfileAsync(Caller caller, GetUser get, HttpResponse response, CancellationToken ct) =>
        GetAsync(caller.SignedInUserId, use_cache: true, get, response, ct);

    private static async Task<Results<Ok<UserDetail>, ProblemResult>> UpdateProfileAsync(
        UpdateProfileRequest request, IfMatch ifMatch, Caller caller, UpdateUser update, HttpResponse response, CancellationToken ct) =>
        Answer(await update.OwnAsync(caller, request, ifMatch, ct), response);

    private static async Task<Results<Ok<Page<UserSummary>>, ProblemResult>> ListAsync(
        [AsParameters] Paging paging, string? search, bool? is_active, string? sort, ListUsers list, HttpContext context, CancellationToken ct)
    {
        var outcome = await list.ExecuteAsync(new UserFilter(search, is_active, sort), paging, ct);
        if (outcome.Failed(out var problem, out var page)) return problem.ToHttp();
        Paging.Link(context, page);
        return TypedResults.Ok(page);
    }

    private static Results<PushStreamHttpResult, ProblemResult> Export(string? format, bool? is_active, Caller caller, ExportUsers export, HttpContext context, CancellationToken ct)
    {
        if (ExportUsers.ExportFormat.Find(format) is not { } known) return UsersProblems.ExportFormatNotKnown.ToHttp();
        return TypedResults.Stream(async output =>
        {
            // An answer that ends before its end is the one way to tell a client that it hasn't got all.
            if (!await export.WriteAsync(caller, known, is_active, output, ct)) context.Abort();
        }, known.ContentType, "users." + known.Name);
    }

    private static async Task<Results<Created<CreatedUser>, ProblemResult>> CreateAsync(
        CreateUserRequest request, Caller caller, CreateUser create, HttpResponse response, CancellationToken ct)
    {
        response.Headers.CacheControl = "no-store";   // a password, if a temporary one
        var outcome = await create.ExecuteAsync(request, caller, ct);
        if (outcome.Failed(out var problem, out var created)) return problem.ToHttp();
        return TypedResults.Created($"/api/v1/users/{created.Id}", created);
    }

    private static async Task<Results<Ok<BulkUsersResponse>, ProblemResult>> BulkAsync(BulkUsersRequest request, Caller caller, BulkUsers bulk, CancellationToken ct) =>
        (await bulk.ExecuteAsync(request, caller, ct)).Failed(out var problem, out var response) ? problem.ToHttp() : TypedResults.Ok(response);

    private static async Task<Results<Ok<UserDetail>, ProblemResult>> GetAsync(long id, bool? use_cache, GetUser get, HttpResponse response, CancellationToken ct) =>
        Answer(await get.ExecuteAsync(id, use_cache ?? true, ct), response);

    private static async Task<Results<Ok<UserDetail>, ProblemResult>> UpdateAsync(
        long id, UpdateUserRequest request, IfMatch ifMatch, Caller caller, UpdateUser update, HttpResponse response, CancellationToken ct) =>
        Answer(await update.ExecuteAsync(caller, id, ifMatch, request, ct), response);

    private static async Task<Results<NoContent, ProblemResult>> ActivateAsync(long id, Caller caller, SetUserStatus status, CancellationToken ct) =>
        await status.ActivateAsync(caller, id, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<NoContent, ProblemResult>> DeactivateAsync(long id, Caller caller, SetUserStatus status, CancellationToken ct) =>
        await status.DeactivateAsync(caller, id, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<NoContent, ProblemResult>> UnlockAsync(long id, Caller caller, UnlockPassword unlock, CancellationToken ct) =>
        await unlock.ExecuteAsync(caller, id, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<NoContent, ProblemResult>> DeleteAsync(
        long id, IfMatch ifMatch, Caller caller, SetUserStatus status, CancellationToken ct) =>
        await status.DeleteAsync(caller, id, ifMatch, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<Ok<IReadOnlyList<UserRole>>, ProblemResult>> ListRolesAsync(long id, UserRoles roles, CancellationToken ct) =>
        (await roles.ListAsync(id, ct)).Failed(out var problem, out var list) ? problem.ToHttp() : TypedResults.Ok(list);

    private static async Task<Results<NoContent, ProblemResult>> GrantRoleAsync(long id, long roleId, Caller caller, UserRoles roles, CancellationToken ct) =>
        await roles.GrantAsync(caller, id, roleId, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<NoContent, ProblemResult>> RevokeRoleAsync(long id, long roleId, Caller caller, UserRoles roles, CancellationToken ct) =>
        await roles.RevokeAsync(caller, id, roleId, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<Ok<Page<SessionInfo>>, ProblemResult>> ListSessionsAsync(
        long id, [AsParameters] Paging paging, string? sort, Caller caller, ListSessions list, HttpContext context, CancellationToken ct)
    {
        var outcome = await list.ExecuteAsync(caller, id, UsersProblems.NotFound, sort, paging, ct);
        if (outcome.Failed(out var problem, out var page)) return problem.ToHttp();
        Paging.Link(context, page);
        return TypedResults.Ok(page);
    }

    private static Results<Ok<UserDetail>, ProblemResult> Answer(Outcome<VersionedUser> outcome, HttpResponse response)
    {
        if (outcome.Failed(out var problem, out var found)) return problem.ToHttp();
        response.SetVersion(found.Version);
        return TypedResults.Ok(found.User);
    }
}
