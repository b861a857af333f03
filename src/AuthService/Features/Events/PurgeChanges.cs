using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.Events;

/// <summary>Deletes changes that are older than <see cref="EventOptions.Retention"/>.</summary>
internal sealed class PurgeChanges(NpgsqlDataSource db, EventOptions options) : HourlyPurge("purge_authz_changes")
{
    private static readonly SqlFile DeleteOld = SqlFile.Beside<PurgeChanges>("delete_old");

    protected override async Task<long> DeleteAsync(int limit, CancellationToken ct)
    {
        await using var command = DeleteOld.On(db).With(options.Retention).With(limit);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }
}
