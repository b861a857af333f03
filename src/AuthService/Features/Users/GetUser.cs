using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using Npgsql;
using SolidCache;

namespace AuthService.Features.Users;

/// <summary>One account, its rights, and the version that <c>If-Match</c> compares.</summary>
internal sealed record VersionedUser(UserDetail User, long Version);

/// <summary>
/// One account. What it says of itself is kept in memory and in PostgreSQL until it changes; what it may do comes from <see cref="Rights"/>, so a
/// change of rights needs no other profile.
/// </summary>
internal sealed class GetUser(NpgsqlDataSource db, TieredCache cache, Rights rights)
{
    private static readonly SqlFile FindUser = SqlFile.Beside<GetUser>("find_user");

    /// <param name="useCache">False: read from the database, whatever is cached.</param>
    public async Task<Outcome<VersionedUser>> ExecuteAsync(long id, bool useCache, CancellationToken ct)
    {
        if (!useCache) return await FindAsync(db, id, ct) is { } found ? found : UsersProblems.NotFound;
        var profile = await TimeSpent.InCache(cache.GetOrLoadAsync(CacheTags.ProfileKey(id), (db, id), static async (s, context, stop) =>
        {
            var loaded = await FindAsync(s.db, s.id, stop);
            context.DoNotStore = loaded is null;   // numbers that are nobody's are without end
            return loaded;
        }, tags: [CacheTags.Profile(id), CacheTags.User(id)], token: ct));
        if (profile is null) return UsersProblems.NotFound;
        var may = await rights.OfAsync(id, ct);
        return profile with { User = profile.User with { Roles = may.Roles, Permissions = may.Permissions } };
    }

    /// <summary>The account as a transaction has left it.</summary>
    public static async Task<Outcome<VersionedUser>> InAsync(NpgsqlTransaction transaction, long id, CancellationToken ct)
    {
        await using var command = FindUser.On(transaction).With(id);
        return await ReadAsync(command, ct) is { } found ? found : UsersProblems.NotFound;
    }

    private static async Task<VersionedUser?> FindAsync(NpgsqlDataSource db, long id, CancellationToken ct)
    {
        await using var command = FindUser.On(db).With(id);
        return await ReadAsync(command, ct);
    }

    private static async Task<VersionedUser?> ReadAsync(Statement command, CancellationToken ct)
    {
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) return null;
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
