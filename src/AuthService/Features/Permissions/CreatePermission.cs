using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Permissions;

internal sealed class CreatePermission(NpgsqlDataSource db)
{
    private static readonly SqlFile InsertPermission = SqlFile.Beside<CreatePermission>("insert_permission");

    public async Task<Outcome<CreatedResource>> ExecuteAsync(Caller caller, CreatePermissionRequest request, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var insert = InsertPermission.On(transaction).With(request.Resource).With(request.Action)
            .With(string.IsNullOrEmpty(request.Description) ? null : request.Description);
        if (await insert.ExecuteScalarAsync(ct) is not long id) return PermissionsProblems.NameTaken;
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("permission", id) with { Reason = "create" }, ct);
        await transaction.CommitAsync(ct);
        return new CreatedResource(id);
    }
}
