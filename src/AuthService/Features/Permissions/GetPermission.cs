using AuthService.Client;
using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Permissions;

/// <summary>One permission and the version that <c>If-Match</c> compares.</summary>
internal sealed record VersionedPermission(PermissionInfo Permission, long Version);

internal sealed class GetPermission(NpgsqlDataSource db)
{
    private static readonly SqlFile FindPermission = SqlFile.Beside<GetPermission>("find_permission");

    public async Task<Outcome<VersionedPermission>> ExecuteAsync(long id, CancellationToken ct)
    {
        await using var command = FindPermission.On(db).With(id);
        return await FirstAsync(command, ct);
    }

    /// <summary>The permission as a transaction has left it.</summary>
    public static async Task<Outcome<VersionedPermission>> InAsync(NpgsqlTransaction transaction, long id, CancellationToken ct)
    {
        await using var command = FindPermission.On(transaction).With(id);
        return await FirstAsync(command, ct);
    }

    /// <param name="first">Ordinal of <c>id</c>; the other columns follow it.</param>
    public static VersionedPermission Read(NpgsqlDataReader row, int first)
    {
        string resource = row.GetString(first + 1), action = row.GetString(first + 2);
        var permission = new PermissionInfo
        {
            Id = row.GetInt64(first),
            Name = $"{resource}:{action}",
            Resource = resource,
            Action = action,
            Description = row.IsDBNull(first + 3) ? null : row.GetString(first + 3),
            IsSystem = row.GetBoolean(first + 4),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(first + 5),
            UpdatedAt = row.GetFieldValue<DateTimeOffset>(first + 6),
        };
        return new VersionedPermission(permission, row.GetInt64(first + 7));
    }

    private static async Task<Outcome<VersionedPermission>> FirstAsync(Statement command, CancellationToken ct)
    {
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row, 0) : PermissionsProblems.NotFound;
    }
}
