using System.Reflection;
using AuthService.Installation;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace AuthService.Telemetry;

/// <summary>Puts together what is measured and traced, and who gets it (docs/operate/metrics.md).</summary>
internal static class TelemetryRegistration
{
    private static readonly string[] TraceSources = ["Microsoft.AspNetCore", "SolidCache", "Npgsql"];

    /// <exception cref="SettingsException">Section <c>Telemetry</c> is wrong.</exception>
    public static IServiceCollection AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        var options = Settings.Bind<TelemetryOptions>(configuration, "Telemetry");
        services.AddSingleton(options).AddSingleton<PrometheusExporter>().AddSingleton<ScrapeMetrics>();
        if (!options.Enabled) return services;
        return services.AddHostedService<MeasuringAndTracing>().AddHostedService<StoredEntries>().AddHostedService<MetricsListener>();
    }

    /// <summary>First of all, so that it sees how each request ends.</summary>
    public static void UseTelemetry(this WebApplication app)
    {
        if (app.Services.GetRequiredService<TelemetryOptions>() is { Enabled: true, Otlp: not null }) app.UseMiddleware<TracedRequests>();
    }

    internal static MeterProvider Measure(TelemetryOptions options, PrometheusExporter exporter, ResourceBuilder about)
    {
        var builder = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(about)
            .AddMeter(Measured.Meters)
            .AddView(Measured.As)
            .SetExemplarFilter(options.Otlp is null ? ExemplarFilterType.AlwaysOff : ExemplarFilterType.TraceBased)
            .AddReader(new ScrapedReader(exporter));
        if (options.Otlp is { } collector)
        {
            builder.AddOtlpExporter((to, reader) =>
            {
                Send(to, collector, "v1/metrics", options);
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)options.OtlpInterval.TotalMilliseconds;
            });
        }

        return builder.Build()!;
    }

    internal static TracerProvider? Trace(TelemetryOptions options, TimeProvider clock, ResourceBuilder about)
    {
        if (options.Otlp is not { } collector) return null;
        return Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(about)
            .AddSource(TraceSources)
            .SetSampler(new TraceSampler(options.TraceSampleRatio, options.MaxTracesPerSecond, clock))
            .AddProcessor(new StatementNames())
            .AddOtlpExporter(to => Send(to, collector, "v1/traces", options))   // through a bounded queue: what doesn't fit is dropped
            .Build();
    }

    internal static ResourceBuilder About() => ResourceBuilder.CreateEmpty().AddService(
        "authservice", serviceVersion: Assembly.GetExecutingAssembly().GetName().Version?.ToString(3), serviceInstanceId: $"{Environment.MachineName}:{Environment.ProcessId}");

    private static void Send(OtlpExporterOptions to, Uri collector, string path, TelemetryOptions options)
    {
        to.Protocol = options.Protocol;
        to.Endpoint = options.Protocol == OtlpExportProtocol.Grpc ? collector : new Uri($"{collector.AbsoluteUri.TrimEnd('/')}/{path}");
        if (options.OtlpHeaders is { Length: > 0 } headers) to.Headers = headers;
    }
}

/// <summary>Collects when it is asked to, and not once more at the end, which nobody would read.</summary>
internal sealed class ScrapedReader(PrometheusExporter exporter) : BaseExportingMetricReader(exporter)
{
    protected override bool OnShutdown(int timeoutMilliseconds) => true;
}

/// <summary>Measures, and traces where somebody is there to take it, from before the other background services start until after they have stopped.</summary>
internal sealed class MeasuringAndTracing(TelemetryOptions options, PrometheusExporter exporter, TimeProvider clock) : IHostedLifecycleService, IDisposable
{
    private MeterProvider? _measuring;
    private TracerProvider? _tracing;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        var about = TelemetryRegistration.About();
        _measuring = TelemetryRegistration.Measure(options, exporter, about);
        _tracing = TelemetryRegistration.Trace(options, clock, about);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is left, for as long as the host waits.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await Task.Run(Dispose, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        Interlocked.Exchange(ref _tracing, null)?.Dispose();
        Interlocked.Exchange(ref _measuring, null)?.Dispose();
    }
}
