using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;

namespace AuthService.Features.Roles;

internal sealed class CreateRole(Changes changes)
{
    private static readonly SqlFile InsertRole = SqlFile.Beside<CreateRole>("insert_role");

    public Task<Outcome<CreatedResource>> ExecuteAsync(Caller caller, CreateRoleRequest request, CancellationToken ct) => changes.RunAsync<CreatedResource>(caller, [CacheTags.Catalog], async transaction =>
    {
        await using var insert = InsertRole.On(transaction).With(request.Name).With(string.IsNullOrEmpty(request.Description) ? null : request.Description);
        if (await insert.ExecuteScalarAsync(ct) is not long id) return RolesProblems.NameTaken;
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller).On("role", id) with { Reason = "create" }, ct);
        return new CreatedResource(id);
    }, ct);
}
