using System.Globalization;
using System.Text.Json;
using AuthService.Database;
using AuthService.Tokens;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;
using SolidCache.Lanes;

namespace AuthService.Http;

/// <summary>Where every exception of a request ends: said once in the log, answered without a word about how this is built.</summary>
internal sealed partial class UnexpectedErrors(ILogger<UnexpectedErrors> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested) return true;   // nobody is left to answer

        // The framework clears the headers before it comes here.
        ResponseHeaders.Set(httpContext);
        await ProblemOf(exception, httpContext).ToHttp().ExecuteAsync(httpContext);
        return true;
    }

    private Problem ProblemOf(Exception exception, HttpContext context)
    {
        switch (exception)
        {
            case BadHttpRequestException { InnerException: JsonException json }:
                return HttpProblems.MalformedJson with { Detail = Position(json) };
            case BadHttpRequestException bad:
                return bad.StatusCode == 400 ? HttpProblems.Malformed : HttpProblems.ForStatus(bad.StatusCode);
            case TextNotStorableException:
                return HttpProblems.Malformed;
            case NpgsqlException or TimeoutException or SigningKeysUnavailableException or LaneFullException:
                LogDatabase(exception, context.Request.Method, context.Request.Path);
                return HttpProblems.Unavailable;
            default:
                LogUnexpected(exception, context.Request.Method, context.Request.Path);
                return HttpProblems.Unexpected;
        }
    }

    /// <summary>Where in the body, and nothing else: the parser's own message would name our types.</summary>
    private static string Position(JsonException json) => string.Create(CultureInfo.InvariantCulture,
        $"At {json.Path ?? "$"}, line {(json.LineNumber ?? 0) + 1}, byte {(json.BytePositionInLine ?? 0) + 1}: malformed, of the wrong type, unknown or repeated.");

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed: the database can't be used")]
    private partial void LogDatabase(Exception exception, string method, PathString path);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private partial void LogUnexpected(Exception exception, string method, PathString path);
}
