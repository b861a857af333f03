using AuthService.Audit;
using AuthService.Client;
using AuthService.Http;
using SolidCache.Postgres;

namespace AuthService.Features.CacheAdministration;

/// <summary>Deletes expired entries at once instead of within the hour. They are never served, so this is about room alone.</summary>
internal sealed class CleanUpCache(PostgresCache cache, AuditTrail audit)
{
    public async Task<CleanUpResult> ExecuteAsync(Caller caller, CancellationToken ct)
    {
        var (deleted, isAll) = await cache.CleanUpAsync(ct);
        audit.Record(AuditEvent.Of(AuditTypes.AuthzAdmin, caller) with { TargetType = "cache", Reason = "cleanup" });
        return new CleanUpResult(deleted, isAll);
    }
}
