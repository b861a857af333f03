using System.Text.Json;
using AuthService.Client;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>Sends an event that means nothing, by the way that all of them go.</summary>
internal sealed class TestWebhook(NpgsqlDataSource db, JobQueue queue, TimeProvider clock)
{
    private static readonly JsonElement NoData = JsonElement.Parse("{}");

    public async Task<Outcome<WebhookTest>> ExecuteAsync(long id, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if ((await GetWebhook.InAsync(transaction, id, ct)).Failed(out var missing, out var found)) return missing;
        if (!found.Webhook.IsActive) return WebhooksProblems.SwitchedOff;
        var message = new WebhookMessage(id, WebhookEvents.Test, clock.GetUtcNow(), NoData);
        var job = await queue.EnqueueAsync(transaction, NewJob.Of(DeliverWebhook.JobKind, message, WebhookJson.Default.WebhookMessage), ct);
        await transaction.CommitAsync(ct);
        return new WebhookTest(job!.Value);   // it has no key that another could have
    }
}
