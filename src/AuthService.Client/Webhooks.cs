using System.ComponentModel.DataAnnotations;

namespace AuthService.Client;

/// <summary>A receiver that is told of changes. Its secret is shown when it is made, and never again.</summary>
public sealed record WebhookInfo
{
    /// <summary>Number of the webhook.</summary>
    public required long Id { get; init; }

    /// <summary>Where messages are sent.</summary>
    public required string Url { get; init; }

    /// <summary>Kinds of changes, or <c>*</c> for all.</summary>
    public required IReadOnlyList<string> Events { get; init; }

    /// <summary>What it is for, if said.</summary>
    public string? Description { get; init; }

    /// <summary>Whether anything is sent.</summary>
    public required bool IsActive { get; init; }

    /// <summary>Why the service has switched it off: <c>gone</c>, <c>failing</c>; null: it has not.</summary>
    public string? SwitchedOff { get; init; }

    /// <summary>Since when every try has failed; null: the last one succeeded, or there was none.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>All of them; never more than 100. Answer of <c>GET /api/v1/webhooks</c>.</summary>
/// <param name="Items">By number.</param>
public sealed record WebhookList(IReadOnlyList<WebhookInfo> Items);

/// <summary>Body of <c>POST /api/v1/webhooks</c>.</summary>
public sealed record CreateWebhookRequest
{
    /// <summary>https, to a public host; up to 2,048 characters.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(2_048, ErrorMessage = FieldCodes.Length)]
    public string Url { get; init; } = "";

    /// <summary>Kinds of changes, 1 to 50, or <c>*</c> for all.</summary>
    [Required(ErrorMessage = FieldCodes.Required), MinLength(1, ErrorMessage = FieldCodes.Length), MaxLength(50, ErrorMessage = FieldCodes.Length)]
    [EachRequired(ErrorMessage = FieldCodes.Required)]
    public IReadOnlyList<string> Events { get; init; } = [];

    /// <summary>Up to 500 characters.</summary>
    [StringLength(500, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? Description { get; init; }
}

/// <summary>Answer of <c>POST /api/v1/webhooks</c>.</summary>
/// <param name="Id">Number of the webhook.</param>
/// <param name="Secret"><c>whsec_</c> and 32 bytes in base64, by which receivers know that a message is from here.</param>
public sealed record CreatedWebhook(long Id, string Secret);

/// <summary>Body of <c>PATCH /api/v1/webhooks/{id}</c>. A member that is absent or null stays as it is; an empty description clears it.</summary>
public sealed record UpdateWebhookRequest
{
    /// <summary>https, to a public host; up to 2,048 characters.</summary>
    [StringLength(2_048, MinimumLength = 1, ErrorMessage = FieldCodes.Length)]
    public string? Url { get; init; }

    /// <summary>Kinds of changes, 1 to 50, or <c>*</c> for all.</summary>
    [MinLength(1, ErrorMessage = FieldCodes.Length), MaxLength(50, ErrorMessage = FieldCodes.Length), EachRequired(ErrorMessage = FieldCodes.Required)]
    public IReadOnlyList<string>? Events { get; init; }

    /// <summary>Up to 500 characters.</summary>
    [StringLength(500, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? Description { get; init; }

    /// <summary>Switches it on or off.</summary>
    public bool? IsActive { get; init; }
}

/// <summary>Answer of <c>POST /api/v1/webhooks/{id}/rotate-secret</c>.</summary>
/// <param name="Secret">The new one.</param>
/// <param name="PreviousUntil">Until then messages are signed with the one before as well.</param>
public sealed record RotatedWebhookSecret(string Secret, DateTimeOffset PreviousUntil);

/// <summary>Answer of <c>POST /api/v1/webhooks/{id}/test</c>.</summary>
/// <param name="MessageId">By which the message and its tries are known.</param>
public sealed record WebhookTest(Guid MessageId);

/// <summary>One try to deliver one message. Item of <c>GET /api/v1/webhooks/{id}/deliveries</c>.</summary>
public sealed record WebhookDelivery
{
    /// <summary>The same in every try, also in the header <c>webhook-id</c>.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>Such as <c>role.granted</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Number of the change it tells of, as the message has it; null: of none, a test.</summary>
    public long? ChangeId { get; init; }

    /// <summary>1 and up.</summary>
    public required int Try { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What was answered; null: nothing.</summary>
    public int? Status { get; init; }

    /// <summary>How long it took, in milliseconds.</summary>
    public required long DurationMs { get; init; }

    /// <summary>Why there is no answer: <c>refused</c>, <c>unresolved</c>, <c>unreachable</c>, <c>tls</c>, <c>timeout</c>, <c>broken</c>, <c>open</c>, <c>busy</c>; null: there is one.</summary>
    public string? Error { get; init; }
}
