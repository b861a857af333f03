using AuthService.Client;
using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Roles;

/// <summary>One role and the version that <c>If-Match</c> compares.</summary>
internal sealed record VersionedRole(RoleInfo Role, long Version);

internal sealed class GetRole(NpgsqlDataSource db)
{
    private static readonly SqlFile FindRole = SqlFile.Beside<GetRole>("find_role");

    public async Task<Outcome<VersionedRole>> ExecuteAsync(long id, CancellationToken ct)
    {
        await using var command = FindRole.On(db).With(id);
        return await FirstAsync(command, ct);
    }

    /// <summary>The role as a transaction has left it.</summary>
    public static async Task<Outcome<VersionedRole>> InAsync(NpgsqlTransaction transaction, long id, CancellationToken ct)
    {
        await using var command = FindRole.On(transaction).With(id);
        return await FirstAsync(command, ct);
    }

    /// <param name="first">Ordinal of <c>id</c>; the other columns follow it.</param>
    public static VersionedRole Read(NpgsqlDataReader row, int first) => new(
        new RoleInfo
        {
            Id = row.GetInt64(first),
            Name = row.GetString(first + 1),
            Description = row.IsDBNull(first + 2) ? null : row.GetString(first + 2),
            IsSystem = row.GetBoolean(first + 3),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(first + 4),
            UpdatedAt = row.GetFieldValue<DateTimeOffset>(first + 5),
            Permissions = row.GetFieldValue<string[]>(first + 7),
        },
        row.GetInt64(first + 6));

    private static async Task<Outcome<VersionedRole>> FirstAsync(Statement command, CancellationToken ct)
    {
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row, 0) : RolesProblems.NotFound;
    }
}
