using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Sessions;

/// <summary>The caller's live sessions. Bounded by <see cref="SessionOptions.MaxPerUser"/>, so there are no pages.</summary>
internal sealed class ListSessions(NpgsqlDataSource db, SessionOptions options)
{
    private static readonly SqlFile List = SqlFile.Beside<ListSessions>("list_sessions");

    public async Task<SessionList> ExecuteAsync(Caller caller, CancellationToken ct)
    {
        await using var command = List.On(db).With(caller.SignedInUserId).With(options.MaxPerUser);
        await using var row = await command.ExecuteReaderAsync(ct);
        var sessions = new List<SessionInfo>();
        while (await row.ReadAsync(ct))
        {
            sessions.Add(new SessionInfo
            {
                Id = row.GetGuid(0),
                IsCurrent = row.GetGuid(0) == caller.SessionId,
                CreatedAt = row.GetFieldValue<DateTimeOffset>(1),
                RefreshedAt = row.GetFieldValue<DateTimeOffset>(2),
                IdleExpiresAt = row.GetFieldValue<DateTimeOffset>(3),
                AbsoluteExpiresAt = row.GetFieldValue<DateTimeOffset>(4),
                Ip = row.IsDBNull(5) ? null : row.GetString(5),
                UserAgent = row.IsDBNull(6) ? null : row.GetString(6),
            });
        }

        return new SessionList(sessions);
    }
}
