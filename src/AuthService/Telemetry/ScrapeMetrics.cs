using System.Text;

namespace AuthService.Telemetry;

/// <summary>Answers a scrape. One at a time: whoever comes meanwhile waits, though not for long.</summary>
internal sealed class ScrapeMetrics(PrometheusExporter exporter) : IDisposable
{
    private const string PlainText = "text/plain; version=0.0.4; charset=utf-8";
    private const string OpenMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1);

    /// <returns>Null: those before it take too long.</returns>
    public async Task<(byte[] Body, string ContentType)?> ExecuteAsync(HttpRequest request, CancellationToken ct)
    {
        var isOpenMetrics = AcceptsOpenMetrics(request);
        if (!await _turn.WaitAsync(LongestWait, ct)) return null;
        try
        {
            return (Encode(exporter.Write(isOpenMetrics)), isOpenMetrics ? OpenMetrics : PlainText);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private static bool AcceptsOpenMetrics(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.Quality is not 0 && type.MediaType.Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase));

    private static byte[] Encode(StringBuilder text)
    {
        var bytes = new MemoryStream(text.Length);
        using (var writer = new StreamWriter(bytes, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false))) writer.Write(text);
        return bytes.ToArray();
    }
}
