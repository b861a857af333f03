using System.Text.Json;
using AuthService.Client;

namespace AuthService.Http;

/// <summary>What every request passes, in order.</summary>
internal static class HttpFeature
{
    public static void AddHttp(this WebApplicationBuilder builder, HttpOptions options)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxRequestBodyBytes;
        });
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
        if (TrustedProxies.TryParse(options.TrustedProxies, out var proxies)) builder.Services.AddSingleton(proxies);
        builder.Services.AddApiDescription();
    }

    public static void UseHttp(this WebApplication app)
    {
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
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnyone();
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
