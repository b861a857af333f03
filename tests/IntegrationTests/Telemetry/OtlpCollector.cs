using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;

namespace IntegrationTests.Telemetry;

/// <summary>A part of a trace, as it was received.</summary>
internal sealed record ReceivedSpan(string Source, string Name, string Trace, string Id, string Parent, IReadOnlyDictionary<string, string> Tags);

/// <summary>Takes OTLP over HTTP and reads what it needs of it: names, parents, and all bytes as they came.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication _server;
    private ImmutableList<ReceivedSpan> _spans = [];

    private OtlpCollector(WebApplication server) => _server = server;

    /// <summary>Those of whole messages: of a part that is here, what belongs to it and was sent with it is here as well.</summary>
    public ImmutableList<ReceivedSpan> Spans => Volatile.Read(ref _spans);

    public ConcurrentDictionary<string, bool> Metrics { get; } = new(StringComparer.Ordinal);

    /// <summary>Every body, one character for each byte: a secret in it would be readable.</summary>
    public ConcurrentQueue<string> Bodies { get; } = [];

    public Uri Address => new(_server.Urls.First());

    public static async Task<OtlpCollector> StartAsync(CancellationToken ct)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var server = builder.Build();
        var collector = new OtlpCollector(server);
        server.Run(collector.TakeAsync);
        await server.StartAsync(ct);
        return collector;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync();
        await _server.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        var bytes = new MemoryStream();
        await context.Request.Body.CopyToAsync(bytes, context.RequestAborted);
        var body = bytes.ToArray();
        Bodies.Enqueue(Encoding.Latin1.GetString(body));
        var spans = new List<ReceivedSpan>();
        // resource_… = 1, then scope_… = 2, then the things themselves = 2, beside the scope = 1.
        foreach (var resource in Wire.Messages(body, 1))
        {
            foreach (var scope in Wire.Messages(resource, 2))
            {
                var source = Wire.Messages(scope, 1).Select(s => Wire.Text(s, 1)).FirstOrDefault("");
                foreach (var item in Wire.Messages(scope, 2))
                {
                    if (context.Request.Path == "/v1/traces") spans.Add(Span(source, item));
                    else if (context.Request.Path == "/v1/metrics") Metrics[Wire.Text(item, 1)] = true;
                }
            }
        }

        ImmutableInterlocked.Update(ref _spans, (known, more) => known.AddRange(more), spans);
        context.Response.ContentType = "application/x-protobuf";
    }

    private static ReceivedSpan Span(string source, byte[] span) => new(
        source, Wire.Text(span, 5), Hex(span, 1), Hex(span, 2), Hex(span, 4),
        Wire.Messages(span, 9).ToDictionary(tag => Wire.Text(tag, 1), tag => Wire.Messages(tag, 2).Select(value => Wire.Text(value, 1)).FirstOrDefault(""), StringComparer.Ordinal));

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Wire.Messages(message, field).FirstOrDefault([]));

    /// <summary>Protobuf's wire format, as far as these messages use it.</summary>
    private static class Wire
    {
        public static string Text(byte[] message, int field) => Encoding.UTF8.GetString(Messages(message, field).FirstOrDefault([]));

        /// <summary>The fields of a number that have a length.</summary>
        public static List<byte[]> Messages(byte[] message, int field)
        {
            var (found, at) = (new List<byte[]>(), 0);
            while (at < message.Length)
            {
                var key = Number(message, ref at);
                switch (key & 7)
                {
                    case 0: Number(message, ref at); break;
                    case 1: at += 8; break;
                    case 5: at += 4; break;
                    case 2:
                        var length = (int)Number(message, ref at);
                        if ((int)(key >> 3) == field) found.Add(message[at..(at + length)]);
                        at += length;
                        break;
                    default: throw new InvalidDataException($"Wire type {key & 7}.");
                }
            }

            return found;
        }

        private static ulong Number(byte[] message, ref int at)
        {
            var (value, shift) = (0UL, 0);
            while (true)
            {
                var part = message[at++];
                value |= (ulong)(part & 0x7f) << shift;
                if (part < 0x80) return value;
                shift += 7;
            }
        }
    }
}
