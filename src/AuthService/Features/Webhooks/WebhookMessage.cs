using System.Text.Json;
using System.Text.Json.Serialization;

namespace AuthService.Features.Webhooks;

/// <summary>What a job is to deliver, to whom. Also written by <c>DispatchChanges.dispatch.sql</c>.</summary>
internal sealed record WebhookMessage(long WebhookId, string Type, DateTimeOffset OccurredAt, JsonElement Data)
{
    /// <summary>Null: it is of no change, but a test.</summary>
    [JsonIgnore]
    public long? ChangeId => Data.TryGetProperty("change_id", out var id) ? id.GetInt64() : null;
}

/// <summary>What is sent: the same bytes in every try.</summary>
/// <param name="Id">Also in the header <c>webhook-id</c>.</param>
internal sealed record WebhookBody(Guid Id, string Type, DateTimeOffset OccurredAt, JsonElement Data);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(WebhookMessage))]
[JsonSerializable(typeof(WebhookBody))]
internal sealed partial class WebhookJson : JsonSerializerContext;
