using AuthService.Caching;
using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using SolidCache;
using SolidCache.Postgres;

namespace AuthService.Features.CacheAdministration;

/// <summary>HTTP surface of the cache, for operators.</summary>
internal static class CacheAdministrationEndpoints
{
    public static void MapCacheAdministration(this IEndpointRouteBuilder routes)
    {
        var cache = routes.MapGroup("/admin/cache").WithTags("Operations").RequirePermission(OwnPermissions.SystemAdmin);
        cache.MapPost("/invalidate", InvalidateAsync).WithSummary("Make cached things invalid on every node");
        cache.MapPost("/inspect", InspectAsync).WithSummary("What every tier has under one key, and whether this node would serve it");
        cache.MapPost("/cleanup", CleanUpAsync).WithSummary("Delete expired entries of the cache now");
        cache.MapPost("/verify", VerifyAsync).WithSummary("Compare the rights in this node's memory with the database");
        routes.MapGroup("/metrics").WithTags("Operations").MapGet("/solid-cache", GetFiguresAsync).RequirePermission(OwnPermissions.SystemAdmin)
            .WithSummary("How many entries the cache's table holds, and how large they are");
    }

    private static async Task<Results<NoContent, ProblemResult>> InvalidateAsync(
        InvalidateRequest request, Caller caller, InvalidateCache invalidate, CancellationToken ct) =>
        await invalidate.ExecuteAsync(caller, request, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<Ok<CacheEntryView>, ProblemResult>> InspectAsync(InspectRequest request, TieredCache cache, CancellationToken ct) =>
        TypedResults.Ok(EntryViews.Of(request.Key, await cache.InspectAsync(request.Key, ct)));

    private static async Task<Ok<CacheComparison>> VerifyAsync(CompareRights compare, CancellationToken ct) => TypedResults.Ok(await compare.ExecuteAsync(ct));

    private static async Task<Ok<CleanUpResult>> CleanUpAsync(Caller caller, CleanUpCache cleanUp, CancellationToken ct) => TypedResults.Ok(await cleanUp.ExecuteAsync(caller, ct));

    private static async Task<Ok<SolidCacheFigures>> GetFiguresAsync(PostgresCache cache, CancellationToken ct)
    {
        var held = await cache.GetStatisticsAsync(ct);
        return TypedResults.Ok(new SolidCacheFigures(held.TotalEntries, held.ExpiredEntries, held.TotalSizeBytes, Math.Round(held.TotalSizeBytes / 1024.0, 1)));
    }
}
