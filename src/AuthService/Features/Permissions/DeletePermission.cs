using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Http;

namespace AuthService.Features.Permissions;

/// <summary>Deletes a permission; its holders lose it with their next request.</summary>
internal sealed class DeletePermission(Changes changes)
{
    private static readonly SqlFile Delete = SqlFile.Beside<DeletePermission>("delete_permission");

    public Task<Problem?> ExecuteAsync(Caller caller, long id, IfMatch ifMatch, CancellationToken ct) => changes.RunAsync(caller, [CacheTags.Catalog], async transaction =>
    {
        if ((await GetPermission.InAsync(transaction, id, ct)).Failed(out var missing, out var found)) return missing;
        if (found.Permission.IsSystem) return PermissionsProblems.SystemPermission;
        if (await Authority.OverPermissionAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;
        await using (var delete = Delete.On(transaction).With(id).With(ifMatch.Version))
        {
            if (await delete.ExecuteScalarAsync(ct) is null) return HttpProblems.PreconditionFailed;
        }

        var deleted = AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("permission", id) with { Reason = "delete " + found.Permission.Name };
        await AuditTrail.AppendAsync(transaction, deleted, ct);
        return null;
    }, ct);
}
