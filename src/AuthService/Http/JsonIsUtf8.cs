using Microsoft.Net.Http.Headers;

namespace AuthService.Http;

/// <summary>
/// JSON between systems is UTF-8 (RFC 8259, 8.1). The framework would convert from any other charset it knows, and throws on one it
/// doesn't: both are answered with 415.
/// </summary>
internal sealed class JsonIsUtf8(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.ContentType is not { } sent || !sent.Contains("charset", StringComparison.OrdinalIgnoreCase)
            || !MediaTypeHeaderValue.TryParse(sent, out var type) || !type.Charset.HasValue) return next(context);
        if (!HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        {
            return HttpProblems.UnsupportedMediaType.ToHttp().ExecuteAsync(context);
        }

        type.Charset = "utf-8";   // the framework throws on a quoted one
        context.Request.ContentType = type.ToString();
        return next(context);
    }
}
