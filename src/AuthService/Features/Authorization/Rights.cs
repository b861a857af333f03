using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Authorization;

/// <summary>Answers "what may this account do?" for everybody who asks: checks, profiles, protected endpoints.</summary>
internal sealed class Rights(NpgsqlDataSource db)
{
    private static readonly SqlFile LoadRights = SqlFile.Beside<Rights>("load_rights");

    public async Task<UserRights> OfAsync(long userId, CancellationToken ct)
    {
        var rights = await OfAsync([userId], ct);
        return rights[userId];
    }

    /// <summary>Rights of several accounts as they were at one instant.</summary>
    /// <param name="userIds">Distinct numbers; at most as many as a batch check has questions.</param>
    public async Task<IReadOnlyDictionary<long, UserRights>> OfAsync(long[] userIds, CancellationToken ct)
    {
        await using var command = LoadRights.On(db).With(userIds);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rights = new Dictionary<long, UserRights>(userIds.Length);
        while (await reader.ReadAsync(ct))
        {
            rights[reader.GetInt64(0)] = new UserRights(
                reader.GetFieldValue<string[]>(1), reader.GetFieldValue<string[]>(2), reader.GetString(3));
        }

        return rights;
    }
}
