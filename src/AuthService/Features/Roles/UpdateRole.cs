using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Roles;

/// <summary>Renames or describes a role.</summary>
internal sealed class UpdateRole(Changes changes)
{
    private static readonly SqlFile Update = SqlFile.Beside<UpdateRole>("update_role");

    public Task<Outcome<VersionedRole>> ExecuteAsync(Caller caller, long id, IfMatch ifMatch, UpdateRoleRequest request, CancellationToken ct) => changes.RunAsync<VersionedRole>(caller, [CacheTags.Catalog], async transaction =>
    {
        if ((await GetRole.InAsync(transaction, id, ct)).Failed(out var missing, out var before)) return missing;
        if (before.Role.IsSystem && request.Name is not null && request.Name != before.Role.Name) return RolesProblems.SystemRole;
        if (await Authority.OverRoleAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;

        await using (var update = Update.On(transaction).With(id).With(ifMatch.Version).With(request.Name).With(request.Description))
        {
            try
            {
                if (await update.ExecuteScalarAsync(ct) is null) return HttpProblems.PreconditionFailed;
            }
            catch (PostgresException e) when (e.ConstraintName == "roles_name_key")
            {
                return RolesProblems.NameTaken;
            }
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("role", id) with { Reason = "update" }, ct);
        var outcome = await GetRole.InAsync(transaction, id, ct);
        return outcome;
    }, ct);
}
