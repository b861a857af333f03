using System.ComponentModel.DataAnnotations;

namespace AuthService.Passwords;

/// <summary>What a password must look like, what hashing one costs, how much hashing a node takes on. Section <c>Passwords</c>.</summary>
internal sealed class PasswordOptions : IValidatableObject
{
    /// <summary>
    /// Shortest password accepted, in characters (Unicode scalar values). 8 to 64; default 12. NIST SP 800-63B-4 asks for 15
    /// where the password is the only factor and 8 where there is a second one.
    /// </summary>
    [Range(8, 64)]
    public int MinimumLength { get; set; } = 12;

    /// <summary>
    /// Memory of one Argon2id hash in KiB. 19,456 to 1,048,576; default 19,456 (OWASP's minimum with two iterations). With one
    /// iteration at least 47,104. A node's budget is this times <see cref="MaxConcurrentHashes"/>.
    /// </summary>
    [Range(19_456, Argon2id.MaxMemoryKiB)]
    public int MemoryKiB { get; set; } = 19_456;

    /// <summary>Passes over that memory. 1 to 16; default 2.</summary>
    [Range(1, Argon2id.MaxIterations)]
    public int Iterations { get; set; } = 2;

    /// <summary>Hashes a node computes at the same time. 0 to 256; default 0, which means: as many as it has cores, but one.</summary>
    [Range(0, 256)]
    public int MaxConcurrentHashes { get; set; }

    /// <summary>
    /// Hashes that may wait for their turn; the next one is answered 503 at once. 0 to 10,000; default 64. More than a node
    /// gets through in <see cref="QueueTimeout"/> only makes callers wait for a 503.
    /// </summary>
    [Range(0, 10_000)]
    public int QueueLength { get; set; } = 64;

    /// <summary>Longest wait for a turn, then 503. 10 ms to 30 s; default 2 s. A hash that has begun is always finished.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30")]
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a password that the service made up for an account can be used to sign in. 1 h to 30 d; default 7 d.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "30.00:00:00")]
    public TimeSpan TemporaryPasswordLifetime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Whom to ask whether a new password is among those that were stolen elsewhere: a service with the range query of Have I Been Pwned, such as
    /// <c>https://api.pwnedpasswords.com/range/</c>. Of the password only the first five hexadecimal digits of its SHA-1 are sent. Default none: nobody is asked.
    /// </summary>
    public string BreachedUrl { get; set; } = "none";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (BreachedUrl != "none" && !(Uri.TryCreate(BreachedUrl, UriKind.Absolute, out var url) && url is { Scheme: "http" or "https", UserInfo: "", Query: "", Fragment: "" }))
        {
            yield return new ValidationResult("An absolute URL such as https://api.pwnedpasswords.com/range/, or none.", [nameof(BreachedUrl)]);
        }

        if (Iterations == 1 && MemoryKiB < 47_104)
        {
            yield return new ValidationResult(
                "With one iteration MemoryKiB must be at least 47104: less is below the weakest setting OWASP accepts.",
                [nameof(MemoryKiB), nameof(Iterations)]);
        }
    }
}
