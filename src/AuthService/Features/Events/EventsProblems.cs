namespace AuthService.Features.Events;

internal static class EventsProblems
{
    public static readonly Problem IdNotValid = new("events.id_not_valid", 400, "Last-Event-ID is none that this service has sent.");

    /// <summary>Other nodes may have room.</summary>
    public static readonly Problem TooManyListeners = new("events.too_many_listeners", 503, "This node has as many listeners as it takes.") { RetryAfterSeconds = 5 };
}
