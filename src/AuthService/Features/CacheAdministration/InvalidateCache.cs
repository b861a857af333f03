using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Http;
using SolidCache;

namespace AuthService.Features.CacheAdministration;

/// <summary>Makes invalid what an operator names, on every node. What becomes invalid is loaded anew when it is asked for, so it is never wrong to do.</summary>
internal sealed class InvalidateCache(TieredCache cache, AuditTrail audit)
{
    public async Task<Problem?> ExecuteAsync(Caller caller, InvalidateRequest request, CancellationToken ct)
    {
        if (Targets(request) != 1) return CacheAdministrationProblems.NotOneTarget;
        if (request.Prefix is { } prefix)
        {
            await cache.RemoveByPrefixAsync(prefix, ct);
        }
        else
        {
            if (TagsOf(request) is not { } tags) return CacheAdministrationProblems.EventNotKnown;
            await cache.RemoveByTagAsync(tags, ct);
        }

        audit.Record(AuditEvent.Of(AuditTypes.AuthzAdmin, caller) with { TargetType = "cache", Reason = "invalidate" });
        return null;
    }

    private static int Targets(InvalidateRequest request) =>
        new[] { request.UserId is not null, request.RoleId is not null, request.Tag is not null, request.Prefix is not null, request.Event is not null, request.All is true }.Count(named => named);

    private static string[]? TagsOf(InvalidateRequest request) => request switch
    {
        { UserId: { } id } => [CacheTags.User(id)],
        // Who holds it is in every holder's own entry: those go together, in one step.
        { RoleId: not null } => [CacheTags.Catalog, CacheTags.AllRights],
        { Tag: { } tag } => [tag],
        { Event: { } happening } => InvalidatingEvent.TagsFor(happening),
        _ => [CacheTags.Everything],
    };
}
