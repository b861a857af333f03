namespace AuthService.Features.AuditEvents;

internal static class AuditEventsProblems
{
    /// <summary>Users and roles have numbers of their own: 42 alone is nobody.</summary>
    public static readonly Problem TargetTypeMissing = new("audit_events.target_type_missing", 400, "target_id needs target_type.");
}
