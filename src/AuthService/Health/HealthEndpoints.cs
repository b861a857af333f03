using AuthService.Database;
using AuthService.Http;
using AuthService.Tokens;
using Microsoft.AspNetCore.Http.HttpResults;
using SolidCache;
using SolidCache.Postgres;
using SolidCache.Redis;

namespace AuthService.Health;

/// <summary>
/// Live: the process answers. Ready: send it requests, since the database answers and is migrated, there are keys to sign with, it may answer from memory,
/// and it isn't about to stop. Health: the same with its parts, for people and dashboards. All three without credentials, so they tell states and sizes,
/// never an address, a version or a reason, and cost the database next to nothing however often they are asked.
/// </summary>
/// <remarks>Rights are loaded before the node listens (<c>WarmUpRights</c>): whoever reaches it finds it warm.</remarks>
internal static class HealthEndpoints
{
    private const string Healthy = "healthy";
    private const string Unhealthy = "unhealthy";

    public static IServiceCollection AddHealth(this IServiceCollection services) => services
        .AddSingleton<Draining>()
        .AddSingleton<DatabaseLook>()
        .AddSingleton<CacheLook>();

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/health").WithTags("Health").AllowAnyone();
        health.MapGet("", HealthAsync).WithSummary("State of the service and of what it stands on");
        health.MapGet("/live", () => TypedResults.Ok(new HealthStatus(Healthy))).WithSummary("The process answers");
        health.MapGet("/ready", ReadyAsync).WithSummary("The service can do its work");
    }

    private static async Task<JsonHttpResult<HealthReport>> HealthAsync(
        DatabaseLook database, CacheLook table, ReplicaReads reads, PoolGauges gauges, TieredCache cache, CancellationToken ct)
    {
        var primary = gauges.Of(DataSources.Primary);   // before the look, which takes a connection
        var replica = reads.Replica is null ? default : gauges.Of(DataSources.Replica);
        var (answers, _) = await database.LatestAsync(ct);
        var held = answers ? await table.LatestAsync(ct) : null;
        var redis = cache.RedisState switch { RedisState.NotConfigured => "disabled", RedisState.InUse => Healthy, _ => Unhealthy };
        // Without these everything goes on, only slower: nobody should restart the service for it, or send it no more requests.
        var isWhole = redis != Unhealthy && reads.Status != Unhealthy && held is not null;
        var report = new HealthReport(
            !answers ? Unhealthy : isWhole ? Healthy : "degraded",
            new HealthServices(
                new DatabaseHealth(answers, new PoolsHealth(
                    new PoolHealth(answers ? Healthy : Unhealthy, primary.Size, primary.Free), new PoolHealth(reads.Status, replica.Size, replica.Free))),
                new HealthStatus(redis),
                CacheHealthOf(held)));
        return TypedResults.Json(report, HealthJson.Default.HealthReport, statusCode: answers ? 200 : 503);
    }

    private static SolidCacheHealth CacheHealthOf(CacheStatistics? held) => held is null
        ? new SolidCacheHealth(Unhealthy, null, null, null)
        : new SolidCacheHealth(Healthy, held.TotalEntries, held.ExpiredEntries, Math.Round(held.TotalSizeBytes / 1024.0, 1));

    private static async Task<Results<Ok<HealthStatus>, ProblemResult>> ReadyAsync(
        Draining draining, DatabaseLook database, SigningKeyRing ring, TieredCache cache, CancellationToken ct)
    {
        if (draining.HasBegun || !ring.IsUsable || !cache.HasLease || await database.LatestAsync(ct) is not (true, true)) return HttpProblems.Unavailable.ToHttp();
        return TypedResults.Ok(new HealthStatus(Healthy));
    }
}
