using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Roles;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>Which roles an account holds: lists, grants, revokes. A role takes effect with the account's next request.</summary>
internal sealed class UserRoles(NpgsqlDataSource db, Changes changes)
{
    private static readonly SqlFile ListRoles = SqlFile.Beside<UserRoles>("list_roles");
    private static readonly SqlFile FindBoth = SqlFile.Beside<UserRoles>("find_both");
    private static readonly SqlFile GrantRole = SqlFile.Beside<UserRoles>("grant_role");
    private static readonly SqlFile RevokeRole = SqlFile.Beside<UserRoles>("revoke_role");

    public async Task<Outcome<IReadOnlyList<UserRole>>> ListAsync(long userId, CancellationToken ct)
    {
        await using var command = ListRoles.On(db).With(userId);
        await using var row = await command.ExecuteReaderAsync(ct);
        List<UserRole>? roles = null;
        while (await row.ReadAsync(ct))
        {
            roles ??= [];
            if (row.IsDBNull(0)) break;
            roles.Add(new UserRole(row.GetInt64(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetInt64(2), row.GetFieldValue<DateTimeOffset>(3)));
        }

        // An interface can't be the source of an implicit conversion, hence the wrapper.
        return roles is null ? UsersProblems.NotFound : Outcome.Of<IReadOnlyList<UserRole>>(roles);
    }

    public Task<Problem?> GrantAsync(Caller caller, long userId, long roleId, CancellationToken ct) => changes.RunAsync(caller, [CacheTags.User(userId)], async transaction =>
    {
        if ((await FindBothAsync(transaction, userId, roleId, ct)).Failed(out var missing, out var roleName)) return missing;
        if (await Authority.OverRoleAsync(transaction, caller.UserId, roleId, ct) is { } exceeds) return exceeds;
        int changed;
        await using (var grant = GrantRole.On(transaction).With(userId).With(roleId).With(caller.UserId))
        {
            try
            {
                changed = await grant.ExecuteNonQueryAsync(ct);
            }
            catch (PostgresException e) when (e.ConstraintName == "user_roles_role_id_fkey")
            {
                return RolesProblems.NotFound;   // deleted since it was found
            }
        }

        if (changed > 0) await AuditTrail.AppendAsync(transaction, Event(caller, userId, "grant " + roleName), ct);
        return null;
    }, ct);

    public Task<Problem?> RevokeAsync(Caller caller, long userId, long roleId, CancellationToken ct) => changes.RunAsync(caller, [CacheTags.User(userId)], async transaction =>
    {
        if ((await FindBothAsync(transaction, userId, roleId, ct)).Failed(out var missing, out var roleName)) return missing;
        if (await Authority.OverRoleAsync(transaction, caller.UserId, roleId, ct) is { } exceeds) return exceeds;
        if (roleName == SystemRoles.Administrator
            && await Authority.KeepsAnAdministratorAsync(transaction, userId, ct) is { } last) return last;
        int changed;
        await using (var revoke = RevokeRole.On(transaction).With(userId).With(roleId)) changed = await revoke.ExecuteNonQueryAsync(ct);
        if (changed > 0) await AuditTrail.AppendAsync(transaction, Event(caller, userId, "revoke " + roleName), ct);
        return null;
    }, ct);

    private static async Task<Outcome<string>> FindBothAsync(NpgsqlTransaction transaction, long userId, long roleId, CancellationToken ct)
    {
        await using var command = FindBoth.On(transaction).With(userId).With(roleId);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) return UsersProblems.NotFound;
        return row.IsDBNull(0) ? RolesProblems.NotFound : row.GetString(0);
    }

    private static AuditEvent Event(Caller caller, long userId, string what) =>
        AuditEvent.Of(AuditTypes.AuthzChange, caller).On("user", userId) with { Reason = what };
}
