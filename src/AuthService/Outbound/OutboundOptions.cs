using System.ComponentModel.DataAnnotations;

namespace AuthService.Outbound;

/// <summary>What this service asks of others over HTTP: how long, how often, and where it may go. Section <c>Outbound</c>.</summary>
internal sealed class OutboundOptions : IValidatableObject
{
    /// <summary>Longest time for finding a host and connecting to it, TLS not counted. 100 ms to 1 min; default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time of one try, to the last byte of the answer that is read. 100 ms to 2 min; default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:02:00")]
    public TimeSpan TryTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time of a request with its tries, the waits between them and the wait for its turn. 100 ms to 10 min; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a request is tried at most, where it may be repeated at all. 1 to 10; default 3.</summary>
    [Range(1, 10)]
    public int MaxTries { get; set; } = 3;

    /// <summary>Wait after the first failed try; each further one is twice as long, and each is moved at random. 10 ms to 10 s; default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10")]
    public TimeSpan FirstRetryDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Requests a node has under way at the same time. 1 to 1,000; default 50.</summary>
    [Range(1, 1_000)]
    public int MaxConcurrent { get; set; } = 50;

    /// <summary>Requests that may wait for their turn; the next one fails at once. 0 to 10,000; default 200.</summary>
    [Range(0, 10_000)]
    public int QueueLength { get; set; } = 200;

    /// <summary>How long a host that keeps failing is left alone. 500 ms to 10 min; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:10:00")]
    public TimeSpan BreakTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Addresses and networks (CIDR), separated by commas, that may be called although they are not public, and without TLS. Default none: whoever may name
    /// an address for us to call would otherwise reach, through us, what stands beside us.
    /// </summary>
    public string AllowedNetworks { get; set; } = "none";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!ReachableAddresses.TryParse(AllowedNetworks, out _))
            yield return new ValidationResult("Addresses and networks such as 10.0.0.0/8, separated by commas, or none.", [nameof(AllowedNetworks)]);
    }
}
