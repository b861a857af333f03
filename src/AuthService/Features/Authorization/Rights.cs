using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Authorization;

/// <summary>Answers "what may this account do?" for everybody who asks: checks, profiles, protected endpoints.</summary>
internal sealed class Rights(NpgsqlDataSource db)
{
    private static readonly SqlFile LoadRights = SqlFile.Beside<Rights>("load_rights");
    private static readonly SqlFile LoadRightsOfMany = SqlFile.Beside<Rights>("load_rights_of_many");

    public async Task<UserRights> OfAsync(long userId, CancellationToken ct)
    {
        await using var command = LoadRights.On(db).With(userId);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return new UserRights(row.GetFieldValue<string[]>(0), row.GetFieldValue<string[]>(1), row.GetString(2));
    }

    /// <summary>Rights of several accounts as they were at one instant.</summary>
    /// <param name="userIds">Distinct numbers; at most as many as a batch check has questions.</param>
    public async Task<IReadOnlyDictionary<long, UserRights>> OfAsync(long[] userIds, CancellationToken ct)
    {
        await using var command = LoadRightsOfMany.On(db).With(userIds);
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
