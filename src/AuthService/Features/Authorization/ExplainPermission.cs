using System.Globalization;
using AuthService.Caching;
using AuthService.Client;
using SolidCache;

namespace AuthService.Features.Authorization;

/// <summary>Why an account may do something, or not: through which roles, and what the answer rests on.</summary>
internal sealed class ExplainPermission(Rights rights, CheckPermission check, TieredCache cache)
{
    public async Task<ExplainResponse> ExecuteAsync(long userId, string permission, CancellationToken ct)
    {
        var age = cache.AgeInMemory(string.Create(CultureInfo.InvariantCulture, $"{CacheTags.RightsPrefix}{userId}"));
        var kept = rights.OfMemory(userId);
        var held = kept ?? await rights.OfAsync(userId, ct);
        return new ExplainResponse(
            held.Allow(permission), held.PathsTo(permission), held.Roles, held.Catalogue.BitOf(permission) >= 0,
            kept is null ? Rights.Database : Rights.Memory, kept is null ? null : age?.TotalSeconds, cache.Lag?.TotalSeconds, check.RevisionOf(userId));
    }
}
