using AuthService.Client;
using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>All webhooks: there are never more than <see cref="CreateWebhook.Most"/>.</summary>
internal sealed class ListWebhooks(NpgsqlDataSource db)
{
    private static readonly SqlFile List = SqlFile.Beside<ListWebhooks>("list_webhooks");

    public async Task<WebhookList> ExecuteAsync(CancellationToken ct)
    {
        await using var command = List.On(db).With(CreateWebhook.Most);
        await using var row = await command.ExecuteReaderAsync(ct);
        var found = new List<WebhookInfo>();
        while (await row.ReadAsync(ct)) found.Add(GetWebhook.Read(row).Webhook);
        return new WebhookList(found);
    }
}
