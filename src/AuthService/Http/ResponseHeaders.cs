using System.Globalization;
using System.Security.Cryptography;

namespace AuthService.Http;

/// <summary>Headers of every answer: the request's id, and what keeps a browser from making more of an answer than it is.</summary>
internal sealed class ResponseHeaders(RequestDelegate next)
{
    private const int RequestIdMaxLength = 128;

    // Unique without asking for randomness at every request: this process, then a number.
    private static readonly string ProcessPart = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private static long _requests;

    public Task InvokeAsync(HttpContext context)
    {
        context.TraceIdentifier = RequestId(context.Request.Headers["X-Request-ID"].ToString());
        Set(context);
        return next(context);
    }

    public static void Set(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers["X-Request-ID"] = context.TraceIdentifier;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.ContentSecurityPolicy = context.Request.Path.StartsWithSegments("/docs", StringComparison.Ordinal)
            ? "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
            : "default-src 'none'; frame-ancestors 'none'";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    /// <summary>The caller's id if it is safe to write anywhere, else one of ours.</summary>
    private static string RequestId(string sent)
    {
        if (sent.Length is 0 or > RequestIdMaxLength) return NewRequestId();
        foreach (var c in sent)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) return NewRequestId();
        }

        return sent;
    }

    private static string NewRequestId() => string.Create(CultureInfo.InvariantCulture, $"{ProcessPart}{Interlocked.Increment(ref _requests):x16}");
}
