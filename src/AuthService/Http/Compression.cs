using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;

namespace AuthService.Http;

/// <summary>Compression (br, gzip) of answers of routes that say <see cref="RouteTraits.MayBeCompressed"/>, and of no other.</summary>
internal static class Compression
{
    public static void AddAnswerCompression(this IServiceCollection services)
    {
        services.AddSingleton<IResponseCompressionProvider, LargeAnswers>();
        services.AddResponseCompression(compression =>
        {
            compression.EnableForHttps = true;   // no route that may be compressed answers with a secret
            compression.MimeTypes = ["application/json", "application/x-ndjson", "text/csv", "text/plain", "application/openmetrics-text"];
            compression.Providers.Add<BrotliCompressionProvider>();   // both at their quickest
            compression.Providers.Add<GzipCompressionProvider>();
        });
    }

    /// <summary>After routing.</summary>
    public static void UseAnswerCompression(this WebApplication app) => app.UseWhen(
        context => context.Request.Headers.AcceptEncoding.Count > 0 && RouteTraits.IsCompressible(context.GetEndpoint()), branch => branch.UseResponseCompression());
}

/// <summary>Leaves alone what would not become smaller.</summary>
internal sealed class LargeAnswers(IServiceProvider services, IOptions<ResponseCompressionOptions> options) : ResponseCompressionProvider(services, options)
{
    private const int FewBytes = 1_024;

    public override bool ShouldCompressResponse(HttpContext context)
    {
        var response = context.Response;
        if (response.StatusCode != StatusCodes.Status200OK || response.ContentLength < FewBytes || !base.ShouldCompressResponse(context)) return false;
        // Other bytes than those the tag was made of, though they say the same (RFC 9110, 8.8.1).
        if (response.Headers.ETag.ToString() is ['"', ..] strong) response.Headers.ETag = "W/" + strong;
        return true;
    }
}
