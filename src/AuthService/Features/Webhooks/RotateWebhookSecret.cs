using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>Gives a webhook another secret. For a day the one before signs as well, so that its owner can change over without losing anything.</summary>
internal sealed class RotateWebhookSecret(NpgsqlDataSource db, WebhookSecrets secrets)
{
    private static readonly TimeSpan Overlap = TimeSpan.FromDays(1);
    private static readonly SqlFile Replace = SqlFile.Beside<RotateWebhookSecret>("replace_secret");

    public async Task<Outcome<RotatedWebhookSecret>> ExecuteAsync(Caller caller, long id, CancellationToken ct)
    {
        var (shown, box) = secrets.New(id);
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var replace = Replace.On(transaction).With(id).With(box).With(Overlap);
        if (await replace.ExecuteScalarAsync(ct) is not DateTime until) return WebhooksProblems.NotFound;
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.WebhookChanged, caller).On("webhook", id) with { Reason = "rotate secret" }, ct);
        await transaction.CommitAsync(ct);
        return new RotatedWebhookSecret(shown, new DateTimeOffset(until, TimeSpan.Zero));
    }
}
