using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using AuthService.Outbound;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>Makes a webhook. It is told of what is committed from then on.</summary>
internal sealed class CreateWebhook(NpgsqlDataSource db, WebhookSecrets secrets, ReachableAddresses reachable)
{
    public const int Most = 100;

    private static readonly SqlFile Insert = SqlFile.Beside<CreateWebhook>("insert_webhook");

    public async Task<Outcome<CreatedWebhook>> ExecuteAsync(Caller caller, CreateWebhookRequest request, CancellationToken ct)
    {
        if (!OutboundUrl.TryParse(request.Url, reachable, out _)) return HttpProblems.Invalid with { Errors = [WebhooksProblems.UrlNotCallable] };
        if (!WebhookEvents.AreKnown(request.Events)) return HttpProblems.Invalid with { Errors = [WebhooksProblems.EventNotKnown] };
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var id = await DispatchChanges.EnterAsync(transaction, ct);
        var (shown, box) = secrets.New(id);
        await using (var insert = Insert.On(transaction).With(id).With(request.Url).With(Distinct(request.Events)).With(string.IsNullOrEmpty(request.Description) ? null : request.Description)
            .With(box).With(Most))
        {
            if (await insert.ExecuteNonQueryAsync(ct) == 0) return WebhooksProblems.TooMany;
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.WebhookChanged, caller).On("webhook", id) with { Reason = "create" }, ct);
        await transaction.CommitAsync(ct);
        return new CreatedWebhook(id, shown);
    }

    public static string[] Distinct(IEnumerable<string> events) => [.. events.Distinct(StringComparer.Ordinal)];
}
