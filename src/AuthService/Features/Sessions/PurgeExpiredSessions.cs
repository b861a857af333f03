using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.Sessions;

/// <summary>Deletes sessions whose absolute end has passed.</summary>
internal sealed class PurgeExpiredSessions(NpgsqlDataSource db) : HourlyPurge("purge_sessions")
{
    private static readonly SqlFile DeleteExpired = SqlFile.Beside<PurgeExpiredSessions>("delete_expired");

    protected override async Task<long> DeleteAsync(int limit, CancellationToken ct)
    {
        await using var command = DeleteExpired.On(db).With(limit);
        return await command.ExecuteNonQueryAsync(ct);
    }
}
