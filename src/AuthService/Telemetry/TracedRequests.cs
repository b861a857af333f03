using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;

namespace AuthService.Telemetry;

/// <summary>Names the trace of a request by its route's pattern, and says how it ended. Neither its path nor its query: what a client sends stays out.</summary>
internal sealed class TracedRequests(RequestDelegate next)
{
    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is not { IsAllDataRequested: true } activity) return;
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        var method = HttpMethods.GetCanonicalizedValue(context.Request.Method);
        activity.DisplayName = route is null ? "no route" : $"{method} {route}";
        activity.SetTag("http.route", route).SetTag("http.response.status_code", context.Response.StatusCode);
        if (route is not null) activity.SetTag("http.request.method", method);   // a stranger's method may be anything
        if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError) activity.SetStatus(ActivityStatusCode.Error);
    }
}
