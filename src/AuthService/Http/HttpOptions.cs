using System.ComponentModel.DataAnnotations;

namespace AuthService.Http;

/// <summary>Limits of the HTTP surface. Section <c>Http</c>.</summary>
internal sealed class HttpOptions : IValidatableObject
{
    /// <summary>Largest request body. 1 KiB to 64 MiB; default 1 MiB. More is answered with 413.</summary>
    [Range(1024, 67_108_864)]
    public int MaxRequestBodyBytes { get; set; } = 1_048_576;

    /// <summary>How long a stopping node lets requests in flight finish. 0 to 5 min; default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Reverse proxies whose <c>X-Forwarded-For</c> is believed: addresses and networks (CIDR), separated by commas. Default none: the
    /// client is whoever has connected.</summary>
    public string TrustedProxies { get; set; } = "none";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Http.TrustedProxies.TryParse(TrustedProxies, out _))
            yield return new ValidationResult("Addresses and networks such as 10.0.0.0/8, separated by commas, or none.", [nameof(TrustedProxies)]);
    }
}
