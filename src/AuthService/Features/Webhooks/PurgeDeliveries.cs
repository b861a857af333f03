using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>Deletes tries that are older than a week.</summary>
internal sealed class PurgeDeliveries(NpgsqlDataSource db) : HourlyPurge("purge_webhook_deliveries")
{
    private static readonly TimeSpan Retention = TimeSpan.FromDays(7);
    private static readonly SqlFile DeleteOld = SqlFile.Beside<PurgeDeliveries>("delete_old");

    protected override async Task<long> DeleteAsync(int limit, CancellationToken ct)
    {
        await using var command = DeleteOld.On(db).With(Retention).With(limit);
        return await command.ExecuteNonQueryAsync(ct);
    }
}
