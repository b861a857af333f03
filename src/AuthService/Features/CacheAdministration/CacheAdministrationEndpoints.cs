using AuthService.Caching;
using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using SolidCache;

namespace AuthService.Features.CacheAdministration;

/// <summary>HTTP surface of the cache, for operators.</summary>
internal static class CacheAdministrationEndpoints
{
    public static void MapCacheAdministration(this IEndpointRouteBuilder routes)
    {
        var cache = routes.MapGroup("/admin/cache").WithTags("Operations").RequirePermission(OwnPermissions.SystemAdmin);
        cache.MapPost("/invalidate", InvalidateAsync).WithSummary("Make cached things invalid on every node");
        cache.MapPost("/inspect", InspectAsync).WithSummary("What every tier has under one key, and whether this node would serve it");
        cache.MapPost("/verify", VerifyAsync).WithSummary("Compare the rights in this node's memory with the database");
    }

    private static async Task<Results<NoContent, ProblemResult>> InvalidateAsync(
        InvalidateRequest request, Caller caller, InvalidateCache invalidate, CancellationToken ct) =>
        await invalidate.ExecuteAsync(caller, request, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<Ok<CacheEntryView>, ProblemResult>> InspectAsync(InspectRequest request, TieredCache cache, CancellationToken ct) =>
        TypedResults.Ok(EntryViews.Of(request.Key, await cache.InspectAsync(request.Key, ct)));

    private static async Task<Ok<CacheComparison>> VerifyAsync(CompareRights compare, CancellationToken ct) => TypedResults.Ok(await compare.ExecuteAsync(ct));
}
