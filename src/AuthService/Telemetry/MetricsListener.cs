using AuthService.Installation;
using Microsoft.AspNetCore.Http.Features;

namespace AuthService.Telemetry;

/// <summary>
/// <c>/metrics</c> at an address of its own, without rights: who may reach it is up to whoever gave the address. A server apart from the service's, so
/// that no route of the one can ever be reached through the other.
/// </summary>
internal sealed partial class MetricsListener(TelemetryOptions options, ScrapeMetrics scrape, ILoggerFactory loggers, ILogger<MetricsListener> logger) : IHostedService
{
    private const int MaxConnections = 16;

    private WebApplication? _server;

    /// <exception cref="SettingsException">Nobody can listen there.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Metrics is not { } address) return;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(address.GetLeftPart(UriPartial.Authority)).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxRequestBodySize = 0;
        });
        builder.Services.AddSingleton(loggers);
        _server = builder.Build();
        _server.Run(AnswerAsync);
        try
        {
            await _server.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or System.Net.Sockets.SocketException)
        {
            throw new SettingsException($"Telemetry:MetricsUrl = '{options.MetricsUrl}' can't be used: {e.Message}");
        }

        LogListening(address);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is null) return;
        await _server.StopAsync(cancellationToken);
        await _server.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        // Its requests are not the service's.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics) metrics.MetricsDisabled = true;
        if (context.Request.Path != "/metrics" || !HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.StatusCode = context.Request.Path == "/metrics" ? StatusCodes.Status405MethodNotAllowed : StatusCodes.Status404NotFound;
            return;
        }

        if (await scrape.ExecuteAsync(context.Request, context.RequestAborted) is not { } answer)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        context.Response.ContentType = answer.ContentType;
        context.Response.ContentLength = answer.Body.Length;
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(answer.Body, context.RequestAborted);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Metrics for Prometheus at {Address}metrics, without rights")]
    private partial void LogListening(Uri address);
}
