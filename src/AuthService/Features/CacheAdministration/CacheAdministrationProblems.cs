namespace AuthService.Features.CacheAdministration;

internal static class CacheAdministrationProblems
{
    public static readonly Problem NotOneTarget = new("cache.not_one_target", 422, "Name exactly one thing to make invalid: user_id, role_id, tag, prefix, event, or all as true.");
    public static readonly Problem EventNotKnown = new("cache.event_not_known", 422, "There is no such event, or it can't happen to what is named.");
}
