using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using AuthService.Outbound;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>Changes a webhook, or switches it on or off. Switched on, it is told of what is committed from then on, and counts as one that has not failed yet.</summary>
internal sealed class UpdateWebhook(NpgsqlDataSource db, ReachableAddresses reachable)
{
    private static readonly SqlFile Update = SqlFile.Beside<UpdateWebhook>("update_webhook");

    public async Task<Outcome<VersionedWebhook>> ExecuteAsync(Caller caller, long id, IfMatch ifMatch, UpdateWebhookRequest request, CancellationToken ct)
    {
        if (request.Url is { } url && !OutboundUrl.TryParse(url, reachable, out _)) return HttpProblems.Invalid with { Errors = [WebhooksProblems.UrlNotCallable] };
        if (request.Events is { } events && !WebhookEvents.AreKnown(events)) return HttpProblems.Invalid with { Errors = [WebhooksProblems.EventNotKnown] };
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if ((await GetWebhook.InAsync(transaction, id, ct)).Failed(out var missing, out var before)) return missing;
        if (request.IsActive is true && !before.Webhook.IsActive) await DispatchChanges.EnterAsync(transaction, ct);
        await using (var update = Update.On(transaction).With(id).With(ifMatch.Version).With(request.Url).With(request.Events is null ? null : CreateWebhook.Distinct(request.Events))
            .With(request.Description).With(request.IsActive))
        {
            if (await update.ExecuteNonQueryAsync(ct) == 0) return HttpProblems.PreconditionFailed;
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.WebhookChanged, caller).On("webhook", id) with { Reason = "update" }, ct);
        var outcome = await GetWebhook.InAsync(transaction, id, ct);
        await transaction.CommitAsync(ct);
        return outcome;
    }
}
