namespace AuthService.Features.Webhooks;

/// <summary>What one can be told of: kinds of the change feed, as docs/events.md has them, and all of them.</summary>
internal static class WebhookEvents
{
    public const string All = "*";

    /// <summary>Sent on request, to see whether it arrives.</summary>
    public const string Test = "webhook.test";

    /// <summary><c>users.changed</c> and <c>roles.changed</c> are not among them: they stand for many others, so everybody is sent them.</summary>
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        All,
        "role.granted", "role.revoked", "role.created", "role.updated", "role.deleted", "role.permission_added", "role.permission_removed",
        "user.created", "user.updated", "user.password_changed", "user.activated", "user.deactivated", "user.deleted",
        "session.reuse_detected",
        "permission.created", "permission.updated", "permission.deleted",
    };

    public static bool AreKnown(IEnumerable<string> events) => events.All(Known.Contains);
}
