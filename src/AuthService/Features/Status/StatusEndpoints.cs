using System.Security.Cryptography;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace AuthService.Features.Status;

/// <summary>HTTP surface of the status page: three files that anybody may have and that show nothing, and the stream they draw for administrators.</summary>
internal static class StatusEndpoints
{
    // No script, style, picture or request but from here, and no form that leads away.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static void MapStatus(this IEndpointRouteBuilder routes)
    {
        MapFile("/status", "index.html", "text/html; charset=utf-8");
        MapFile("/status/status.css", "status.css", "text/css; charset=utf-8");
        MapFile("/status/status.js", "status.js", "text/javascript; charset=utf-8");
        MapFile("/status/icon.svg", "icon.svg", "image/svg+xml");
        routes.MapGroup("/admin/status").WithTags("Operations").MapGet("/stream", Watch).RequirePermission(OwnPermissions.SystemAdmin)
            .WithSummary("How this node is, once a second (Server-Sent Events)").Produces<string>(contentType: WatchNode.ContentType);

        void MapFile(string path, string name, string contentType)
        {
            var (content, tag) = Read(name);
            routes.MapGet(path, (HttpContext context) =>
            {
                context.Response.Headers.ContentSecurityPolicy = Policy;
                context.Response.Headers.CacheControl = "no-cache";   // asked for again each time, and sent when it is another
                return TypedResults.Bytes(content, contentType, entityTag: tag);
            }).AllowAnyone().ExcludeFromDescription();
        }
    }

    private static Results<PushStreamHttpResult, ProblemResult> Watch(Caller caller, WatchNode watch, HttpContext context, CancellationToken ct)
    {
        if (watch.Enter().Failed(out var problem, out var seat)) return problem.ToHttp();
        context.Response.RegisterForDispose(seat);
        context.Response.Headers["X-Accel-Buffering"] = "no";   // nginx would keep what it should pass on
        return TypedResults.Stream(output => watch.WriteAsync(seat, caller, output, ct), WatchNode.ContentType);
    }

    private static (byte[] Content, EntityTagHeaderValue Tag) Read(string name)
    {
        using var stream = typeof(StatusEndpoints).Assembly.GetManifestResourceStream($"Features/Status/StatusPage/{name}") ?? throw new InvalidOperationException($"No embedded file '{name}'.");
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        var content = bytes.ToArray();
        return (content, new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8))}\""));
    }
}
