using AuthService.Audit;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>Deletes a webhook with the log of its deliveries. What waits for it is not sent.</summary>
internal sealed class DeleteWebhook(NpgsqlDataSource db)
{
    private static readonly SqlFile Delete = SqlFile.Beside<DeleteWebhook>("delete_webhook");

    public async Task<Problem?> ExecuteAsync(Caller caller, long id, IfMatch ifMatch, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if ((await GetWebhook.InAsync(transaction, id, ct)).Failed(out var missing, out _)) return missing;
        await using (var delete = Delete.On(transaction).With(id).With(ifMatch.Version))
        {
            if (await delete.ExecuteNonQueryAsync(ct) == 0) return HttpProblems.PreconditionFailed;
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.WebhookChanged, caller).On("webhook", id) with { Reason = "delete" }, ct);
        await transaction.CommitAsync(ct);
        return null;
    }
}
