using AuthService.Database;
using AuthService.Http;
using AuthService.Tokens;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using SolidCache;
using SolidCache.Redis;

namespace AuthService.Health;

/// <summary>
/// Live: the process answers. Ready: it can do its work, so the database answers, there are keys to sign with, and it may answer from memory.
/// Health: the same with its parts, for people and dashboards.
/// </summary>
internal static class HealthEndpoints
{
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(2);
    private static readonly SqlFile Ping = SqlFile.Read("Health/HealthEndpoints.ping.sql");

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/health").WithTags("Health").AllowAnyone();
        health.MapGet("", HealthAsync).WithSummary("State of the service and of what it stands on");
        health.MapGet("/live", () => TypedResults.Ok(new HealthStatus("healthy"))).WithSummary("The process answers");
        health.MapGet("/ready", ReadyAsync).WithSummary("The service can do its work");
    }

    private static async Task<JsonHttpResult<HealthReport>> HealthAsync(NpgsqlDataSource db, ReplicaReads reads, TieredCache cache, CancellationToken ct)
    {
        var answers = await DatabaseAnswersAsync(db, ct);
        var redis = cache.RedisState switch { RedisState.NotConfigured => "disabled", RedisState.InUse => "healthy", _ => "unhealthy" };
        // Without these everything goes on, only slower: nobody should restart the service for it, or send it no more requests.
        var status = !answers ? "unhealthy" : cache.RedisState == RedisState.Away || reads.Status == "unhealthy" ? "degraded" : "healthy";
        var report = new HealthReport(status, new HealthServices(new DatabaseHealth(answers), new HealthStatus(reads.Status), new HealthStatus(redis)));
        return TypedResults.Json(report, HealthJson.Default.HealthReport, statusCode: answers ? 200 : 503);
    }

    private static async Task<Results<Ok<HealthStatus>, ProblemResult>> ReadyAsync(NpgsqlDataSource db, SigningKeyRing ring, TieredCache cache, CancellationToken ct)
    {
        if (!ring.IsUsable || !cache.HasLease || !await DatabaseAnswersAsync(db, ct)) return HttpProblems.Unavailable.ToHttp();
        return TypedResults.Ok(new HealthStatus("healthy"));
    }

    private static async Task<bool> DatabaseAnswersAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(PingTimeout);
        try
        {
            await using var command = Ping.On(db);
            await command.ExecuteScalarAsync(limit.Token);
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }
}
