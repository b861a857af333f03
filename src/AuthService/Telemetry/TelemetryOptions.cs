using System.ComponentModel.DataAnnotations;
using OpenTelemetry.Exporter;

namespace AuthService.Telemetry;

/// <summary>What is measured and traced, and who gets it. Section <c>Telemetry</c>.</summary>
internal sealed class TelemetryOptions : IValidatableObject
{
    /// <summary>Whether anything is measured. Off: <c>/metrics</c> is empty, and nothing is sent. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Where <c>/metrics</c> is answered without rights, for Prometheus: an address only it can reach, such as <c>http://127.0.0.1:9464</c>. Default none:
    /// the service's own <c>/metrics</c> alone, which asks for <c>system:admin</c>.</summary>
    public string MetricsUrl { get; set; } = "none";

    /// <summary>How old the figures about the entries in PostgreSQL may be. They cost the database a question, asked only while somebody looks. 1 s to 10 min; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan StatisticsInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A collector that metrics and traces are sent to, such as <c>http://127.0.0.1:4318</c>. Default none: nothing is sent, nothing traced.</summary>
    public string OtlpEndpoint { get; set; } = "none";

    /// <summary>How: <c>http/protobuf</c> or <c>grpc</c>. Default <c>http/protobuf</c>.</summary>
    public string OtlpProtocol { get; set; } = "http/protobuf";

    /// <summary>Headers sent along, such as <c>api-key=…</c>, separated by commas. A secret: not in the file.</summary>
    public string? OtlpHeaders { get; set; }

    /// <summary>How often metrics are sent. 1 s to 10 min; default 1 min. Traces are sent every 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan OtlpInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The part of the requests that is traced where the caller's <c>traceparent</c> doesn't ask for it. 0 to 1; default 0.01.</summary>
    [Range(0.0, 1.0)]
    public double TraceSampleRatio { get; set; } = 0.01;

    /// <summary>Traces a node begins in a second at most, whoever asks for them. 1 to 100,000; default 100.</summary>
    [Range(1, 100_000)]
    public int MaxTracesPerSecond { get; set; } = 100;

    internal Uri? Metrics => Address(MetricsUrl);

    internal Uri? Otlp => Address(OtlpEndpoint);

    internal OtlpExportProtocol Protocol => OtlpProtocol == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MetricsUrl != "none" && Address(MetricsUrl) is not { AbsolutePath: "/", Port: > 0 })
            yield return new ValidationResult("An address and a port to listen on, such as http://127.0.0.1:9464, or none.", [nameof(MetricsUrl)]);
        if (OtlpEndpoint != "none" && Address(OtlpEndpoint) is null)
            yield return new ValidationResult("The http or https address of a collector, such as http://127.0.0.1:4318, or none.", [nameof(OtlpEndpoint)]);
        if (OtlpProtocol is not ("http/protobuf" or "grpc"))
            yield return new ValidationResult("http/protobuf or grpc.", [nameof(OtlpProtocol)]);
    }

    private static Uri? Address(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps) && address.Query.Length == 0 ? address : null;
}
