using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Roles;

internal sealed class CreateRole(NpgsqlDataSource db)
{
    private static readonly SqlFile InsertRole = SqlFile.Beside<CreateRole>("insert_role");

    public async Task<Outcome<CreatedResource>> ExecuteAsync(Caller caller, CreateRoleRequest request, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var insert = InsertRole.On(transaction).With(request.Name).With(string.IsNullOrEmpty(request.Description) ? null : request.Description);
        if (await insert.ExecuteScalarAsync(ct) is not long id) return RolesProblems.NameTaken;
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("role", id) with { Reason = "create" }, ct);
        await transaction.CommitAsync(ct);
        return new CreatedResource(id);
    }
}
