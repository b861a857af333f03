namespace AuthService.Features.Status;

internal static class StatusProblems
{
    public static readonly Problem TooManyWatchers = new("status.too_many_watchers", 503, "As many watch this node as it takes.") { RetryAfterSeconds = 5 };
}
