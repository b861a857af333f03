using System.Globalization;
using System.Text.Json;
using AuthService.Client;
using AuthService.Installation;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace AuthService.Http;

/// <summary>What every request passes, in order.</summary>
internal static class HttpFeature
{
    /// <exception cref="SettingsException">The port for HTTP/2 is none that is listened at.</exception>
    public static void AddHttp(this WebApplicationBuilder builder, HttpOptions options)
    {
        var urls = (builder.Configuration["Urls"] ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (options.Http2CleartextPort != 0 && !urls.Any(url => url.Split(':')[^1].TrimEnd('/') == options.Http2CleartextPort.ToString(CultureInfo.InvariantCulture)))
            throw new SettingsException($"Http:Http2CleartextPort = '{options.Http2CleartextPort}' is not valid: it must be the port of one of Urls.");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxRequestBodyBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = options.MaxHeadersBytes;
            kestrel.Limits.RequestHeadersTimeout = options.HeadersTimeout;
            kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
            // The server looks once a second, and counts what a body has waited for, not what the endpoint did meanwhile.
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(options.BodyBytesPerSecond, options.BodyTimeout);
            // Without TLS nothing tells the versions apart, so a port speaks one of them.
            kestrel.ConfigureEndpointDefaults(listen =>
            {
                if (options.Http2CleartextPort != 0 && listen.IPEndPoint?.Port == options.Http2CleartextPort) listen.Protocols = HttpProtocols.Http2;
            });
        });
        builder.WebHost.UseKestrelHttpsConfiguration();   // https:// in Urls, with the certificate of Kestrel:Certificates:Default
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
        builder.Services.Configure<RouteHandlerOptions>(route => route.ThrowOnBadRequest = true);   // UnexpectedErrors answers
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            Copy(WireJson.Default.Options, json.SerializerOptions);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, WireJson.Default);
        });
        builder.Services.AddSingleton<IProblemDetailsService, FrameworkProblems>();
        builder.Services.AddExceptionHandler<UnexpectedErrors>();
        builder.Services.AddValidation();
        builder.Services.AddSingleton<Cursors>();
        builder.Services.AddSingleton<ListeningSockets>().AddSingleton<IConnectionListenerFactory>(services => services.GetRequiredService<ListeningSockets>());   // the last one is asked first
        if (TrustedProxies.TryParse(options.TrustedProxies, out var proxies)) builder.Services.AddSingleton(proxies);
        builder.Services.AddApiDescription();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<RequestLog>();
        if (options.Compression) builder.Services.AddAnswerCompression();
    }

    public static void UseHttp(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<HttpOptions>();
        var isWatched = options.ResponseTimes || options.RequestLog != RequestLogging.None || options.SlowRequest > TimeSpan.Zero;
        if (isWatched) app.UseMiddleware<RequestWatch>();
        app.UseMiddleware<ResponseHeaders>();
        app.UseMiddleware<ClientBehindProxy>();
        app.UseExceptionHandler(new ExceptionHandlerOptions { SuppressDiagnosticsCallback = _ => true });   // UnexpectedErrors logs
        app.UseStatusCodePages(context => HttpProblems.ForStatus(context.HttpContext.Response.StatusCode).ToHttp().ExecuteAsync(context.HttpContext));
        // Only there: it looks at every path it is shown with regular expressions.
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/docs", StringComparison.OrdinalIgnoreCase), docs => docs.UseSwaggerUI(page =>
        {
            page.RoutePrefix = "docs";
            page.SwaggerEndpoint("/openapi/v1.json", "AuthService v1");
            page.DocumentTitle = "AuthService API";
        }));
        app.UseMiddleware<JsonIsUtf8>();
        app.UseRouting();
        if (isWatched) app.UseMiddleware<ObservedBodies>();
        if (options.Compression) app.UseAnswerCompression();
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnyone().MayBeCompressed();
    }

    private static void Copy(JsonSerializerOptions from, JsonSerializerOptions to)
    {
        to.PropertyNamingPolicy = from.PropertyNamingPolicy;
        to.PropertyNameCaseInsensitive = from.PropertyNameCaseInsensitive;
        to.NumberHandling = from.NumberHandling;
        to.UnmappedMemberHandling = from.UnmappedMemberHandling;
        to.AllowDuplicateProperties = from.AllowDuplicateProperties;
        to.MaxDepth = from.MaxDepth;
    }
}
