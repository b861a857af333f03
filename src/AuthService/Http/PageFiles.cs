using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace AuthService.Http;

/// <summary>Files of the pages the service brings along: anybody may have them, and they show nothing by themselves.</summary>
internal static class PageFiles
{
    // No script, style, picture or request but from here, and no form that leads away.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <param name="name">Of the embedded file.</param>
    public static void MapPageFile(this IEndpointRouteBuilder routes, string path, string name, string contentType)
    {
        var (content, tag) = Read(name);
        routes.MapGet(path, (HttpContext context) =>
        {
            context.Response.Headers.ContentSecurityPolicy = Policy;
            context.Response.Headers.CacheControl = "no-cache";   // asked for again each time, and sent when it is another
            return TypedResults.Bytes(content, contentType, entityTag: tag);
        }).AllowAnyone().ExcludeFromDescription();
    }

    private static (byte[] Content, EntityTagHeaderValue Tag) Read(string name)
    {
        using var stream = typeof(PageFiles).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"No embedded file '{name}'.");
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        var content = bytes.ToArray();
        return (content, new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8))}\""));
    }
}
