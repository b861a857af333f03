using Microsoft.Net.Http.Headers;

namespace AuthService.Http;

/// <summary>
/// JSON between systems is UTF-8 (RFC 8259, 8.1). The framework would convert from any other charset it knows, and throws on one it
/// doesn't: both are answered with 415.
/// </summary>
internal sealed class JsonIsUtf8(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context) =>
        NamesOtherCharset(context.Request.ContentType) ? HttpProblems.UnsupportedMediaType.ToHttp().ExecuteAsync(context) : next(context);

    private static bool NamesOtherCharset(string? contentType) =>
        contentType is not null && contentType.Contains("charset", StringComparison.OrdinalIgnoreCase)
        && MediaTypeHeaderValue.TryParse(contentType, out var parsed) && parsed.Charset.HasValue
        && !HeaderUtilities.RemoveQuotes(parsed.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);
}
