using AuthService.Client;
using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>One webhook and the version that <c>If-Match</c> compares.</summary>
internal sealed record VersionedWebhook(WebhookInfo Webhook, long Version);

internal sealed class GetWebhook(NpgsqlDataSource db)
{
    private static readonly SqlFile FindWebhook = SqlFile.Beside<GetWebhook>("find_webhook");

    public async Task<Outcome<VersionedWebhook>> ExecuteAsync(long id, CancellationToken ct)
    {
        await using var command = FindWebhook.On(db).With(id);
        return await FirstAsync(command, ct);
    }

    /// <summary>The webhook as a transaction has left it.</summary>
    public static async Task<Outcome<VersionedWebhook>> InAsync(NpgsqlTransaction transaction, long id, CancellationToken ct)
    {
        await using var command = FindWebhook.On(transaction).With(id);
        return await FirstAsync(command, ct);
    }

    public static VersionedWebhook Read(NpgsqlDataReader row) => new(new WebhookInfo
    {
        Id = row.GetInt64(0),
        Url = row.GetString(1),
        Events = row.GetFieldValue<string[]>(2),
        Description = row.IsDBNull(3) ? null : row.GetString(3),
        IsActive = row.GetBoolean(4),
        SwitchedOff = row.IsDBNull(5) ? null : row.GetString(5),
        FailingSince = row.IsDBNull(6) ? null : row.GetFieldValue<DateTimeOffset>(6),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(7),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(8),
    }, row.GetInt64(9));

    private static async Task<Outcome<VersionedWebhook>> FirstAsync(Statement command, CancellationToken ct)
    {
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : WebhooksProblems.NotFound;
    }
}
