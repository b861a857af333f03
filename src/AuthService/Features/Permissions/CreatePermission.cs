using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;

namespace AuthService.Features.Permissions;

internal sealed class CreatePermission(Changes changes)
{
    private static readonly SqlFile InsertPermission = SqlFile.Beside<CreatePermission>("insert_permission");

    public Task<Outcome<CreatedResource>> ExecuteAsync(Caller caller, CreatePermissionRequest request, CancellationToken ct) => changes.RunAsync<CreatedResource>(caller, [CacheTags.Catalog], async transaction =>
    {
        await using var insert = InsertPermission.On(transaction).With(request.Resource).With(request.Action)
            .With(string.IsNullOrEmpty(request.Description) ? null : request.Description);
        if (await insert.ExecuteScalarAsync(ct) is not long id) return PermissionsProblems.NameTaken;
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("permission", id) with { Reason = "create" }, ct);
        return new CreatedResource(id);
    }, ct);
}
