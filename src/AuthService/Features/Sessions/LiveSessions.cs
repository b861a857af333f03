using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Sessions;

internal sealed record LiveSession(long UserId, DateTimeOffset AuthTime, bool PasswordIsTemporary);

/// <summary>Answers "does this session still live?" on every request that carries an access token, so that log-out works at once.</summary>
internal sealed class LiveSessions(NpgsqlDataSource db)
{
    private static readonly SqlFile FindSession = SqlFile.Beside<LiveSessions>("find_session");

    public async Task<LiveSession?> FindAsync(Guid sessionId, CancellationToken ct)
    {
        await using var command = FindSession.On(db).With(sessionId);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new LiveSession(row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1), row.GetBoolean(2)) : null;
    }
}
