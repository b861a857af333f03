using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Permissions;

/// <summary>Describes a permission, or renames it. A new name is a new right for every holder, so renaming takes <c>system:admin</c>.</summary>
internal sealed class UpdatePermission(Changes changes, Rights rights)
{
    private static readonly SqlFile Update = SqlFile.Beside<UpdatePermission>("update_permission");

    public Task<Outcome<VersionedPermission>> ExecuteAsync(
        Caller caller, long id, IfMatch ifMatch, UpdatePermissionRequest request, CancellationToken ct) => changes.RunAsync<VersionedPermission>(caller, [CacheTags.Catalog], async transaction =>
    {
        if ((await GetPermission.InAsync(transaction, id, ct)).Failed(out var missing, out var before)) return missing;
        if (IsRename(before.Permission, request))
        {
            if (before.Permission.IsSystem) return PermissionsProblems.SystemPermission;
            if (!(await rights.OfAsync(caller.SignedInUserId, ct)).Allow(OwnPermissions.SystemAdmin)) return AccessProblems.NotPermitted;
        }

        if (await Authority.OverPermissionAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;
        // A name that is not to change is not written: renamed by somebody else meanwhile, it would be renamed back.
        var resource = request.Resource == before.Permission.Resource ? null : request.Resource;
        var action = request.Action == before.Permission.Action ? null : request.Action;
        await using (var update = Update.On(transaction).With(id).With(ifMatch.Version).With(resource).With(action).With(request.Description))
        {
            try
            {
                if (await update.ExecuteScalarAsync(ct) is null) return HttpProblems.PreconditionFailed;
            }
            catch (PostgresException e) when (e.ConstraintName == "permissions_resource_action_key")
            {
                return PermissionsProblems.NameTaken;
            }
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("permission", id) with { Reason = "update" }, ct);
        var outcome = await GetPermission.InAsync(transaction, id, ct);
        return outcome;
    }, ct);

    private static bool IsRename(PermissionInfo before, UpdatePermissionRequest request) =>
        (request.Resource is not null && request.Resource != before.Resource) || (request.Action is not null && request.Action != before.Action);
}
