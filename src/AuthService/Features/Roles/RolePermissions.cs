using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Permissions;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Roles;

/// <summary>Puts permissions into roles and takes them out; both only for permissions the caller holds.</summary>
internal sealed class RolePermissions(Changes changes)
{
    private static readonly SqlFile FindBoth = SqlFile.Beside<RolePermissions>("find_both");
    private static readonly SqlFile AddPermission = SqlFile.Beside<RolePermissions>("add_permission");
    private static readonly SqlFile RemovePermission = SqlFile.Beside<RolePermissions>("remove_permission");

    public Task<Problem?> AddAsync(Caller caller, long roleId, long permissionId, CancellationToken ct) =>
        ChangeAsync(AddPermission, "add", caller, roleId, permissionId, ct);

    public Task<Problem?> RemoveAsync(Caller caller, long roleId, long permissionId, CancellationToken ct) =>
        ChangeAsync(RemovePermission, "remove", caller, roleId, permissionId, ct);

    private Task<Problem?> ChangeAsync(SqlFile change, string verb, Caller caller, long roleId, long permissionId, CancellationToken ct) => changes.RunAsync(caller, [CacheTags.Catalog], async transaction =>
    {
        if ((await FindBothAsync(transaction, roleId, permissionId, ct)).Failed(out var problem, out var permission)) return problem;
        if (await Authority.OverPermissionAsync(transaction, caller.UserId, permissionId, ct) is { } exceeds) return exceeds;

        int changed;
        await using (var command = change.On(transaction).With(roleId).With(permissionId))
        {
            try
            {
                changed = await command.ExecuteNonQueryAsync(ct);
            }
            catch (PostgresException e) when (e.ConstraintName == "role_permissions_role_id_fkey")
            {
                return RolesProblems.NotFound;   // deleted since it was found
            }
            catch (PostgresException e) when (e.ConstraintName == "role_permissions_permission_id_fkey")
            {
                return PermissionsProblems.NotFound;
            }
        }

        if (changed > 0)
        {
            var changedEvent = AuditEvent.Of(AuditTypes.PermissionsChanged, caller).On("role", roleId) with { Reason = $"{verb} {permission}" };
            await AuditTrail.AppendAsync(transaction, changedEvent, ct);
        }

        return null;
    }, ct);

    private static async Task<Outcome<string>> FindBothAsync(NpgsqlTransaction transaction, long roleId, long permissionId, CancellationToken ct)
    {
        await using var command = FindBoth.On(transaction).With(roleId).With(permissionId);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        if (row.IsDBNull(0)) return RolesProblems.NotFound;
        if (row.IsDBNull(1)) return PermissionsProblems.NotFound;
        if (row.GetString(0) == SystemRoles.Administrator) return RolesProblems.SystemRole;   // it holds everything, always
        return row.GetString(1);
    }
}
