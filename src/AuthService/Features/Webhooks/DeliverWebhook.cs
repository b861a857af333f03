using System.Globalization;
using System.Text.Json;
using AuthService.Audit;
using AuthService.Database;
using AuthService.Http;
using AuthService.Jobs;
using AuthService.Outbound;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>One message to one webhook. One try of the job is one request, and one row in the log of deliveries.</summary>
internal sealed partial class DeliverWebhook(NpgsqlDataSource db, OutboundHttp http, ReachableAddresses reachable, WebhookSecrets secrets, TimeProvider clock, ILogger<DeliverWebhook> logger) : IJob
{
    public const string JobKind = "deliver_webhook";

    /// <summary>After so long without any success a webhook is switched off.</summary>
    private static readonly TimeSpan LongestFailing = TimeSpan.FromDays(5);

    private static readonly SqlFile FindTarget = SqlFile.Beside<DeliverWebhook>("find_target");
    private static readonly SqlFile NoteTry = SqlFile.Beside<DeliverWebhook>("note_try");

    public string Kind => JobKind;

    public async Task<string?> RunAsync(JobRun run, CancellationToken ct)
    {
        var message = run.Read(WebhookJson.Default.WebhookMessage);
        if (await FindAsync(message.WebhookId, ct) is not { } target) return "not sent: the webhook is deleted or switched off";
        var began = clock.GetTimestamp();
        try
        {
            // Looked at once more: what the operator allows may be less than it was, and rows can be written without us.
            if (!OutboundUrl.TryParse(target.Url, reachable, out var url)) throw new OutboundFailedException(OutboundFailure.Refused);
            var answer = await http.SendAsync(RequestOf(run.Id, message, target, url), ct);
            await NoteAsync(run, message, clock.GetElapsedTime(began), answer.Status, failure: null);
            if (answer.IsSuccess) return string.Create(CultureInfo.InvariantCulture, $"answered {answer.Status}");
            throw new JobFailedException(string.Create(CultureInfo.InvariantCulture, $"answered {answer.Status}")) { IsFinal = answer.Status == StatusCodes.Status410Gone, RetryAfter = answer.RetryAfter };
        }
        catch (OutboundFailedException e)
        {
            var failure = OutboundMetrics.NameOf(e.Failure);
            await NoteAsync(run, message, clock.GetElapsedTime(began), status: null, failure);
            throw new JobFailedException($"no answer: {failure}", e) { IsFinal = e.Failure == OutboundFailure.Refused };
        }
    }

    private OutboundRequest RequestOf(Guid id, WebhookMessage message, Target target, Uri url)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new WebhookBody(id, message.Type, message.OccurredAt, message.Data), WebhookJson.Default.WebhookBody);
        var (messageId, timestamp) = (id.ToString(), clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        var signature = secrets.Sign(message.WebhookId, target.Sealed, messageId, timestamp, body);
        if (target.PreviousSealed is { } previous) signature += " " + secrets.Sign(message.WebhookId, previous, messageId, timestamp, body);
        return new OutboundRequest("webhook", HttpMethod.Post, url)
        {
            Headers = [new("webhook-id", messageId), new("webhook-timestamp", timestamp), new("webhook-signature", signature)],
            Body = body,
            MayRepeat = false,    // the job is repeated
            MaxAnswerBytes = 0,
        };
    }

    private async Task<Target?> FindAsync(long id, CancellationToken ct)
    {
        await using var command = FindTarget.On(db).With(id);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new Target(row.GetString(0), row.GetFieldValue<byte[]>(1), row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2)) : null;
    }

    /// <summary>Also while the node stops: it has happened.</summary>
    private async Task NoteAsync(JobRun run, WebhookMessage message, TimeSpan took, int? status, string? failure)
    {
        var ct = CancellationToken.None;
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var note = NoteTry.On(transaction).With(message.WebhookId).With(run.Id).With(message.Type).With(run.Try).With(status).With((long)took.TotalMilliseconds).With(failure).With(LongestFailing)
            .With(message.ChangeId);
        if (await note.ExecuteScalarAsync(ct) is string reason)
        {
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.WebhookChanged, Caller.Service).On("webhook", message.WebhookId) with { Reason = $"switched off: {reason}" }, ct);
            LogSwitchedOff(message.WebhookId, reason);
        }

        await transaction.CommitAsync(ct);
    }

    private sealed record Target(string Url, byte[] Sealed, byte[]? PreviousSealed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Webhook {Id} is switched off: {Reason} (gone: its receiver answered 410; failing: no try has succeeded for five days)")]
    private partial void LogSwitchedOff(long id, string reason);
}
