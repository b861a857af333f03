using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Authorization;

/// <summary>
/// The limits of power, asked inside the transaction of the change: nobody gives or takes what they don't hold, nobody acts on
/// an account that holds more than they do, and an administrator always remains.
/// </summary>
internal static class Authority
{
    public static readonly Problem ExceedsOwnRights =
        new("authz.exceeds_own_rights", 403, "This touches rights that you don't hold yourself.");

    public static readonly Problem LastAdministrator =
        new("users.last_administrator", 409, "This would leave the installation without an administrator.");

    private static readonly SqlFile ExceedsUser = SqlFile.Read("Features/Authorization/Authority.exceeds_user.sql");
    private static readonly SqlFile ExceedUsers = SqlFile.Read("Features/Authorization/Authority.exceed_users.sql");
    private static readonly SqlFile ExceedsRole = SqlFile.Read("Features/Authorization/Authority.exceeds_role.sql");
    private static readonly SqlFile ExceedsPermission = SqlFile.Read("Features/Authorization/Authority.exceeds_permission.sql");
    private static readonly SqlFile LockAdministrators = SqlFile.Read("Features/Authorization/Authority.lock_administrators.sql");
    private static readonly SqlFile IsLastAdministrator = SqlFile.Read("Features/Authorization/Authority.is_last_administrator.sql");

    /// <summary>May <paramref name="actorId"/> change this account? Not if its roles, were it active, permit what the actor's don't.</summary>
    /// <param name="actorId">Null: the command line, which may do everything.</param>
    public static Task<Problem?> OverUserAsync(NpgsqlTransaction transaction, long? actorId, long userId, CancellationToken ct) =>
        ExceedsAsync(ExceedsUser, transaction, actorId, userId, ct);

    /// <summary>Which of these accounts <paramref name="actorId"/> may not change; as <see cref="OverUserAsync"/>, of many at once.</summary>
    public static async Task<HashSet<long>> ExceedingAsync(NpgsqlTransaction transaction, long? actorId, long[] userIds, CancellationToken ct)
    {
        var exceeding = new HashSet<long>();
        if (actorId is not { } actor || userIds.Length == 0) return exceeding;
        await using var command = ExceedUsers.On(transaction).With(actor).With(userIds);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct)) exceeding.Add(row.GetInt64(0));
        return exceeding;
    }

    /// <summary>May <paramref name="actorId"/> grant, revoke, change or delete this role?</summary>
    public static Task<Problem?> OverRoleAsync(NpgsqlTransaction transaction, long? actorId, long roleId, CancellationToken ct) =>
        ExceedsAsync(ExceedsRole, transaction, actorId, roleId, ct);

    /// <summary>May <paramref name="actorId"/> put this permission into a role, take it out, change or delete it?</summary>
    public static Task<Problem?> OverPermissionAsync(NpgsqlTransaction transaction, long? actorId, long permissionId, CancellationToken ct) =>
        ExceedsAsync(ExceedsPermission, transaction, actorId, permissionId, ct);

    /// <summary>Call before a change that could take an administrator away. Holds off every other such change until the transaction ends.</summary>
    public static async Task<Problem?> KeepsAnAdministratorAsync(NpgsqlTransaction transaction, long userId, CancellationToken ct)
    {
        await LockAdministratorsAsync(transaction, ct);
        // A statement of its own: its snapshot is taken after the lock was granted.
        await using var ask = IsLastAdministrator.On(transaction).With(userId);
        return (bool)(await ask.ExecuteScalarAsync(ct))! ? LastAdministrator : null;
    }

    /// <summary>Holds off every other change of who administers, until the transaction ends.</summary>
    public static async Task LockAdministratorsAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        await using var command = LockAdministrators.On(transaction);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task<Problem?> ExceedsAsync(SqlFile statement, NpgsqlTransaction transaction, long? actorId, long objectId, CancellationToken ct)
    {
        if (actorId is not { } actor) return null;
        await using var command = statement.On(transaction).With(actor).With(objectId);
        return (bool)(await command.ExecuteScalarAsync(ct))! ? ExceedsOwnRights : null;
    }
}
