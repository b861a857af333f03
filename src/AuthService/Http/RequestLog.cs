using System.Globalization;
using System.Text;

namespace AuthService.Http;

/// <summary>Which requests are logged.</summary>
internal enum RequestLogging
{
    /// <summary>None; slow ones are warned of all the same.</summary>
    None,

    /// <summary>All but those that went well on routes that are asked thousands of times a second.</summary>
    Usual,

    /// <summary>Every one.</summary>
    All,
}

/// <summary>One line a request, when it has ended. Headers are in none; what else a client sends is cleaned of secrets and of what a terminal would obey.</summary>
internal sealed partial class RequestLog(HttpOptions options, ILogger<RequestLog> logger)
{
    /// <summary>What nginx calls it when a client leaves before it has its answer.</summary>
    public const int ClientClosedRequest = 499;

    public void Write(HttpContext context, RequestRecord record)
    {
        var endpoint = context.GetEndpoint();
        var status = record.WasAborted || record.RequestBody is { WasBrokenOff: true } ? ClientClosedRequest : context.Response.StatusCode;
        var elapsed = record.Elapsed;
        // A client that is slow to send does not make the service slow.
        var own = record.RequestBody is { } body ? elapsed - body.Waited : elapsed;
        var isSlow = options.SlowRequest > TimeSpan.Zero && own >= options.SlowRequest && !RouteTraits.IsStream(endpoint);
        if (!isSlow && !IsWanted(status, endpoint)) return;
        var level = isSlow ? LogLevel.Warning : LogLevel.Information;
        if (!logger.IsEnabled(level)) return;

        var (method, route, path, query) = (Method(context), Route(endpoint), ClientText.Path(context.Request.Path), ClientText.Query(context.Request.QueryString.Value));
        var (bytesIn, bytesOut) = (record.RequestBody?.Length ?? context.Request.ContentLength ?? 0, record.ResponseBody?.Length ?? context.Response.ContentLength);
        var (user, ip, id, parts) = (context.Features.Get<Caller>()?.UserId, context.Connection.RemoteIpAddress, context.TraceIdentifier, Parts(record));
        var milliseconds = Math.Round(elapsed.TotalMilliseconds, 2);
        if (options.LogBodies)
        {
            var (sent, answered) = (record.RequestBody?.Text(context.Request.ContentType), record.ResponseBody?.Text(context.Response.ContentType, context.Response.Headers.ContentEncoding));
            LogWithBodies(level, method, path, query, status, milliseconds, route, bytesIn, bytesOut, user, ip, id, parts, sent, answered);
        }
        else if (isSlow)
        {
            LogSlow(method, path, query, status, milliseconds, route, bytesIn, bytesOut, user, ip, id, parts);
        }
        else
        {
            LogRequest(method, path, query, status, milliseconds, route, bytesIn, bytesOut, user, ip, id, parts);
        }
    }

    private bool IsWanted(int status, Endpoint? endpoint) => options.RequestLog switch
    {
        RequestLogging.None => false,
        RequestLogging.All => true,
        _ => status >= 400 || !RouteTraits.IsOftenAsked(endpoint),
    };

    // Any token is a method to the server; it has no bad characters, and no end.
    private static string Method(HttpContext context) => context.Request.Method is { Length: <= 16 } method ? method : context.Request.Method[..16];

    private static string? Route(Endpoint? endpoint) => endpoint is RouteEndpoint route ? route.RoutePattern.RawText : null;

    private static string? Parts(RequestRecord record)
    {
        var parts = new StringBuilder(ResponseTimes.Parts(record));
        if (record.RequestBody is { Waited: var waited } && waited > TimeSpan.Zero) Append($"body;dur={waited.TotalMilliseconds:F2}");
        if (record.AllocatedBefore > 0) Append($"allocated={GC.GetTotalAllocatedBytes() - record.AllocatedBefore}");
        return parts.Length == 0 ? null : parts.ToString();

        void Append(FormattableString part) => parts.Append(parts.Length == 0 ? "" : ", ").Append(part.ToString(CultureInfo.InvariantCulture));
    }

    [LoggerMessage(EventName = "request", Level = LogLevel.Information, Message = "{Method} {Path}{Query} {Status} in {Milliseconds} ms; route {Route}, {RequestBytes} B in, {ResponseBytes} B out, user {UserId}, ip {Ip}, request {RequestId}, {Parts}")]
    private partial void LogRequest(string method, string path, string query, int status, double milliseconds, string? route, long requestBytes, long? responseBytes,
        long? userId, System.Net.IPAddress? ip, string requestId, string? parts);

    [LoggerMessage(EventName = "slow_request", Level = LogLevel.Warning, Message = "Slow: {Method} {Path}{Query} {Status} in {Milliseconds} ms; route {Route}, {RequestBytes} B in, {ResponseBytes} B out, user {UserId}, ip {Ip}, request {RequestId}, {Parts}")]
    private partial void LogSlow(string method, string path, string query, int status, double milliseconds, string? route, long requestBytes, long? responseBytes,
        long? userId, System.Net.IPAddress? ip, string requestId, string? parts);

    [LoggerMessage(EventName = "request_with_bodies", Message = "{Method} {Path}{Query} {Status} in {Milliseconds} ms; route {Route}, {RequestBytes} B in, {ResponseBytes} B out, user {UserId}, ip {Ip}, request {RequestId}, {Parts}; sent {RequestBody}; answered {ResponseBody}")]
    private partial void LogWithBodies(LogLevel level, string method, string path, string query, int status, double milliseconds, string? route, long requestBytes, long? responseBytes,
        long? userId, System.Net.IPAddress? ip, string requestId, string? parts, string? requestBody, string? responseBody);
}
