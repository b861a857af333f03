using SolidCache;
using SolidCache.Loading;

namespace AuthService.Http;

/// <summary>An answer as it is kept: what it says and what it is called.</summary>
internal sealed record CachedAnswer(int Status, string? ContentType, string? Link, byte[] Body, string ETag);

/// <summary>
/// <c>.Cached(ttl, tags, key)</c> on a route: one answer for all who may ask, until a tag is bumped. Who asks is judged before, on every request. Clients
/// get an <c>ETag</c>, and 304 (RFC 9110, 13.1.2) if they have the answer already.
/// </summary>
internal static class CachedAnswers
{
    // Longer queries are answered, and not kept: their number has no end.
    private const int LongestQuery = 256;

    /// <param name="ttl">How long an answer is kept at most.</param>
    /// <param name="tags">What makes it invalid. Everything the answer depends on but the path and the query.</param>
    /// <param name="key">Begins the key; the query follows.</param>
    public static RouteHandlerBuilder Cached(this RouteHandlerBuilder route, TimeSpan ttl, string[] tags, string key) => route.AddEndpointFilter(async (context, next) =>
    {
        var http = context.HttpContext;
        var query = http.Request.QueryString.Value ?? "";
        if (query.Length > LongestQuery || http.Response.StatusCode == StatusCodes.Status400BadRequest) return await next(context);   // 400: a parameter could not be read

        var cache = http.RequestServices.GetRequiredService<TieredCache>();
        var answer = await TimeSpent.InCache(
            cache.GetOrLoadAsync(key + query, (context, next, ttl), static (s, load, _) => AnswerAsync(s.context, s.next, s.ttl, load), tags: tags));
        return new Replay(answer);
    });

    /// <summary>Runs the endpoint and takes down what it answers. Others wait for it, so it does not end with the request that began it.</summary>
    private static async ValueTask<CachedAnswer> AnswerAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next, TimeSpan ttl, LoadContext load)
    {
        var http = context.HttpContext;
        for (var i = 0; i < context.Arguments.Count; i++) if (context.Arguments[i] is CancellationToken) context.Arguments[i] = CancellationToken.None;
        var (response, body) = (http.Response, http.Response.Body);
        using var taken = new MemoryStream();
        response.Body = taken;
        try
        {
            if (await next(context) is IResult result) await result.ExecuteAsync(http);
        }
        finally
        {
            response.Body = body;
        }

        load.Expiration = ttl;
        load.DoNotStore = response.StatusCode != StatusCodes.Status200OK;
        var bytes = taken.ToArray();
        return new CachedAnswer(response.StatusCode, response.ContentType, response.Headers.Link, bytes, ETags.Of(bytes));
    }

    private sealed class Replay(CachedAnswer answer) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            (response.StatusCode, response.ContentType, response.Headers.Link) = (answer.Status, answer.ContentType, answer.Link);
            if (answer.Status == StatusCodes.Status200OK && response.IsKnownToClient(answer.ETag)) return;
            response.ContentLength = answer.Body.Length;
            await response.Body.WriteAsync(answer.Body, httpContext.RequestAborted);
        }
    }

    /// <summary>Gives the answer its tag, and ends it as 304 if the client has it already.</summary>
    /// <returns>Whether it does: then nothing is to be written.</returns>
    public static bool IsKnownToClient(this HttpResponse response, string validator)
    {
        response.Headers.ETag = validator;
        response.Headers.CacheControl = "private, no-cache";   // may be kept by the client that asked, and not used without asking
        if (!Matches(response.HttpContext.Request.Headers.IfNoneMatch, validator)) return false;
        response.StatusCode = StatusCodes.Status304NotModified;
        response.ContentType = null;
        return true;
    }

    private static bool Matches(Microsoft.Extensions.Primitives.StringValues ifNoneMatch, string validator)
    {
        foreach (var line in ifNoneMatch)
        {
            foreach (var one in (line ?? "").Split(','))
            {
                // Weak comparison: RFC 9110, 8.8.3.2.
                var given = one.Trim();
                if (given.StartsWith("W/", StringComparison.Ordinal)) given = given[2..];
                if (given == "*" || given == validator) return true;
            }
        }

        return false;
    }
}
