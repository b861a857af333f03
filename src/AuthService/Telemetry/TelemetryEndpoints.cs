using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Telemetry;

/// <summary>HTTP surface of what is measured. Prometheus, which has no session, reads the listener of its own (<see cref="MetricsListener"/>).</summary>
internal static class TelemetryEndpoints
{
    public static void MapTelemetry(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/metrics", ScrapeAsync).WithTags("Operations").RequirePermission(OwnPermissions.SystemAdmin).WithSummary("Everything measured, as Prometheus reads it")
            .Produces<string>(contentType: "text/plain");

    private static async Task<Results<FileContentHttpResult, ProblemResult>> ScrapeAsync(HttpRequest request, ScrapeMetrics scrape, CancellationToken ct) =>
        await scrape.ExecuteAsync(request, ct) is { } answer ? TypedResults.Bytes(answer.Body, answer.ContentType) : HttpProblems.Unavailable.ToHttp();
}
