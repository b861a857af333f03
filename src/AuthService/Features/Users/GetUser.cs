using AuthService.Client;
using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>One account, its rights, and the version that <c>If-Match</c> compares.</summary>
internal sealed record VersionedUser(UserDetail User, long Version);

internal sealed class GetUser(NpgsqlDataSource db)
{
    private static readonly SqlFile FindUser = SqlFile.Beside<GetUser>("find_user");

    public async Task<Outcome<VersionedUser>> ExecuteAsync(long id, CancellationToken ct)
    {
        await using var command = FindUser.On(db).With(id);
        return await ReadAsync(command, ct);
    }

    /// <summary>The account as a transaction has left it.</summary>
    public static async Task<Outcome<VersionedUser>> InAsync(NpgsqlTransaction transaction, long id, CancellationToken ct)
    {
        await using var command = FindUser.On(transaction).With(id);
        return await ReadAsync(command, ct);
    }

    private static async Task<Outcome<VersionedUser>> ReadAsync(Statement command, CancellationToken ct)
    {
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) return UsersProblems.NotFound;
        var user = new UserDetail
        {
            Id = row.GetInt64(0),
            Email = row.GetString(1),
            Username = row.GetString(2),
            DisplayName = row.IsDBNull(3) ? null : row.GetString(3),
            Phone = row.IsDBNull(4) ? null : row.GetString(4),
            AvatarUrl = row.IsDBNull(5) ? null : row.GetString(5),
            IsActive = row.GetBoolean(6),
            EmailVerified = row.GetBoolean(7),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(8),
            UpdatedAt = row.GetFieldValue<DateTimeOffset>(9),
            LastLoginAt = row.IsDBNull(10) ? null : row.GetFieldValue<DateTimeOffset>(10),
            Roles = row.GetFieldValue<string[]>(12),
            Permissions = row.GetFieldValue<string[]>(13),
        };
        return new VersionedUser(user, row.GetInt64(11));
    }
}
