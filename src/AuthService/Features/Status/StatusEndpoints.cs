using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Status;

/// <summary>HTTP surface of the status page: three files that anybody may have and that show nothing, and the stream they draw for administrators.</summary>
internal static class StatusEndpoints
{
    public static void MapStatus(this IEndpointRouteBuilder routes)
    {
        const string Folder = "Features/Status/StatusPage";
        routes.MapPageFile("/status", $"{Folder}/index.html", "text/html; charset=utf-8");
        routes.MapPageFile("/status/status.css", $"{Folder}/status.css", "text/css; charset=utf-8");
        routes.MapPageFile("/status/status.js", $"{Folder}/status.js", "text/javascript; charset=utf-8");
        routes.MapPageFile("/status/icon.svg", $"{Folder}/icon.svg", "image/svg+xml");
        routes.MapGroup("/admin/status").WithTags("Operations").MapGet("/stream", Watch).RequirePermission(OwnPermissions.SystemAdmin)
            .WithSummary("How this node is, once a second (Server-Sent Events)").Produces<string>(contentType: WatchNode.ContentType);
    }

    private static Results<PushStreamHttpResult, ProblemResult> Watch(Caller caller, WatchNode watch, HttpContext context, CancellationToken ct)
    {
        if (watch.Enter().Failed(out var problem, out var seat)) return problem.ToHttp();
        context.Response.RegisterForDispose(seat);
        context.Response.Headers["X-Accel-Buffering"] = "no";   // nginx would keep what it should pass on
        return TypedResults.Stream(output => watch.WriteAsync(seat, caller, output, ct), WatchNode.ContentType);
    }
}
