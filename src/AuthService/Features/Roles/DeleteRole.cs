using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Http;

namespace AuthService.Features.Roles;

/// <summary>Deletes a role; its holders lose it with their next request.</summary>
internal sealed class DeleteRole(Changes changes)
{
    private static readonly SqlFile Delete = SqlFile.Beside<DeleteRole>("delete_role");

    public Task<Problem?> ExecuteAsync(Caller caller, long id, IfMatch ifMatch, CancellationToken ct) => changes.RunAsync(caller, [CacheTags.Catalog], async transaction =>
    {
        if ((await GetRole.InAsync(transaction, id, ct)).Failed(out var missing, out var role)) return missing;
        if (role.Role.IsSystem) return RolesProblems.SystemRole;
        if (await Authority.OverRoleAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;
        await using (var delete = Delete.On(transaction).With(id).With(ifMatch.Version))
        {
            if (await delete.ExecuteScalarAsync(ct) is null) return HttpProblems.PreconditionFailed;
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("role", id) with { Reason = "delete " + role.Role.Name }, ct);
        return null;
    }, ct);
}
