namespace AuthService.Features.Webhooks;

internal static class WebhooksProblems
{
    public static readonly Problem NotFound = new("webhooks.not_found", 404, "No such webhook.");
    public static readonly Problem TooMany = new("webhooks.too_many", 409, "There are as many webhooks as there may be.");
    public static readonly Problem SwitchedOff = new("webhooks.switched_off", 409, "The webhook is not active.");

    public static readonly FieldError UrlNotCallable =
        new("/url", "webhooks.url_not_callable", "An https URL to a public host, without user and fragment; others only to what Outbound:AllowedNetworks names.");

    public static readonly FieldError EventNotKnown = new("/events", "webhooks.event_not_known", "Kinds of changes, or * for all.");
}
