using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Events;

/// <summary>HTTP surface of the stream of changes.</summary>
internal static class EventsEndpoints
{
    public static void MapEvents(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/api/v1/events").WithTags("Events").MapGet("", Listen).RequirePermission(OwnPermissions.AuditRead).Streams()
            .WithSummary("Changes to accounts and to who may do what, as they happen (Server-Sent Events)").Produces<string>(contentType: ListenToChanges.ContentType);

    private static Results<PushStreamHttpResult, ProblemResult> Listen(
        Caller caller, ListenToChanges listen, HttpContext context, CancellationToken ct)
    {
        if (listen.Enter(context.Request.Headers["Last-Event-ID"]).Failed(out var problem, out var listener)) return problem.ToHttp();
        context.Response.RegisterForDispose(listener.Seat);
        context.Response.Headers["X-Accel-Buffering"] = "no";   // nginx would keep what it should pass on
        return TypedResults.Stream(output => listen.WriteAsync(listener, caller, output, ct), ListenToChanges.ContentType);
    }
}
