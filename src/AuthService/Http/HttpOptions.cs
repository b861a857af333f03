using System.ComponentModel.DataAnnotations;

namespace AuthService.Http;

/// <summary>Limits of the HTTP surface. Section <c>Http</c>.</summary>
internal sealed class HttpOptions : IValidatableObject
{
    /// <summary>Largest request body. 1 KiB to 64 MiB; default 1 MiB. More is answered with 413.</summary>
    [Range(1024, 67_108_864)]
    public int MaxRequestBodyBytes { get; set; } = 1_048_576;

    /// <summary>
    /// How long a node that was told to stop goes on taking requests while <c>/health/ready</c> says no, so that balancers turn away from it first. Longer
    /// than they take to notice. 0 to 5 min; default 5 s, in development 0.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a stopping node lets requests in flight finish, after <see cref="DrainTime"/>. 0 to 5 min; default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Reverse proxies whose <c>X-Forwarded-For</c> is believed: addresses and networks (CIDR), separated by commas. Default none: the
    /// client is whoever has connected.</summary>
    public string TrustedProxies { get; set; } = "none";

    /// <summary>Which requests are logged; default all but those that go well on the busiest routes.</summary>
    public RequestLogging RequestLog { get; set; } = RequestLogging.Usual;

    /// <summary>Whether lines of requests hold the bodies, cleaned of secrets. Default off: what remains is still about people.</summary>
    public bool LogBodies { get; set; }

    /// <summary>How much of a body is logged at most, in bytes. 64 to 65,536; default 4,096.</summary>
    [Range(64, 65_536)]
    public int LogBodyBytes { get; set; } = 4_096;

    /// <summary>Whether lines of requests tell what the process allocated meanwhile. Of all requests at once: says something on a node that serves one at a time.</summary>
    public bool LogAllocations { get; set; }

    /// <summary>Whether answers carry <c>X-Response-Time</c> and <c>Server-Timing</c>. Default on.</summary>
    public bool ResponseTimes { get; set; } = true;

    /// <summary>A request that takes at least this long is warned of. 0 (never) to 1 h; default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan SlowRequest { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Whether large answers are compressed for clients that can read it. Default on.</summary>
    public bool Compression { get; set; } = true;

    /// <summary>How long a body may take to arrive, however slowly; then it needs <see cref="BodyBytesPerSecond"/> on average. 2 s to 10 min; default 8 s.</summary>
    [Range(typeof(TimeSpan), "00:00:02", "00:10:00")]
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>Least pace of a body that takes longer than <see cref="BodyTimeout"/>. 1 to 1,048,576 bytes a second; default 4,096.</summary>
    [Range(1, 1_048_576)]
    public int BodyBytesPerSecond { get; set; } = 4_096;

    /// <summary>How long request line and headers may take to arrive. 1 s to 10 min; default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Largest sum of all headers of a request. 4 KiB to 1 MiB; default 32 KiB: an access token may be half of it. More is answered with 431.</summary>
    [Range(4_096, 1_048_576)]
    public int MaxHeadersBytes { get; set; } = 32_768;

    /// <summary>Open connections; one more is closed at once. 1 to 1,000,000; default 20,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; set; } = 20_000;

    /// <summary>The port, one of <c>Urls</c>, at which HTTP/2 is spoken without TLS (h2c, by prior knowledge), and nothing else. 0 to 65,535; default 0, none.</summary>
    [Range(0, 65_535)]
    public int Http2CleartextPort { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Http.TrustedProxies.TryParse(TrustedProxies, out _))
            yield return new ValidationResult("Addresses and networks such as 10.0.0.0/8, separated by commas, or none.", [nameof(TrustedProxies)]);
    }
}
