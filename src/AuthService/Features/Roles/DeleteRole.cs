using AuthService.Audit;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Roles;

/// <summary>Deletes a role; its holders lose it with their next request.</summary>
internal sealed class DeleteRole(NpgsqlDataSource db)
{
    private static readonly SqlFile Delete = SqlFile.Beside<DeleteRole>("delete_role");

    public async Task<Problem?> ExecuteAsync(Caller caller, long id, IfMatch ifMatch, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if ((await GetRole.InAsync(transaction, id, ct)).Failed(out var missing, out var role)) return missing;
        if (role.Role.IsSystem) return RolesProblems.SystemRole;
        if (await Authority.OverRoleAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;
        await using (var delete = Delete.On(transaction).With(id).With(ifMatch.Version))
        {
            if (await delete.ExecuteScalarAsync(ct) is null) return HttpProblems.PreconditionFailed;
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("role", id) with { Reason = "delete " + role.Role.Name }, ct);
        await transaction.CommitAsync(ct);
        return null;
    }
}
