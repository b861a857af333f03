using System.ComponentModel.DataAnnotations;

namespace AuthService.Http;

/// <summary>Limits of the HTTP surface. Section <c>Http</c>.</summary>
internal sealed class HttpOptions
{
    /// <summary>Largest request body. 1 KiB to 64 MiB; default 1 MiB. More is answered with 413.</summary>
    [Range(1024, 67_108_864)]
    public int MaxRequestBodyBytes { get; set; } = 1_048_576;

    /// <summary>How long a stopping node lets requests in flight finish. 0 to 5 min; default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(20);
}
