using System.ComponentModel.DataAnnotations;

namespace AuthService.Throttling;

/// <summary>How often somebody may guess. Section <c>Throttling</c>; what follows from the numbers: docs/throttling.md.</summary>
internal sealed class ThrottlingOptions : IValidatableObject
{
    /// <summary>Wrong passwords in a row an account takes before attempts are refused for a while: 1 s, doubling with each further one.
    /// 1 to 100; default 5. Also for each known device, and for each address on the account.</summary>
    [Range(1, 100)]
    public int AccountFailures { get; set; } = 5;

    /// <summary>How long the doubling goes on. 1 s to 1 d; default 15 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LongestDelay { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Wrong passwords in a row after which the password stops working until it is reset. 5 to 100, which is what
    /// NIST SP 800-63B allows; default 100.</summary>
    [Range(5, 100)]
    public int StopAfter { get; set; } = 100;

    /// <summary>After a pause of this length failures are forgotten. 1 h to 30 d; default 1 d.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "30.00:00:00")]
    public TimeSpan FailureMemory { get; set; } = TimeSpan.FromDays(1);

    /// <summary>The time the next four count in. 1 s to 1 h; default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Log-ins one address may try in a window, right or wrong. 1 to 1,000,000; default 600.</summary>
    [Range(1, 1_000_000)]
    public int LogInsPerIp { get; set; } = 600;

    /// <summary>Of these, those that fail. 1 to 1,000,000; default 100.</summary>
    [Range(1, 1_000_000)]
    public int FailuresPerIp { get; set; } = 100;

    /// <summary>Refresh tokens without worth one address may send in a window. 1 to 1,000,000; default 300.</summary>
    [Range(1, 1_000_000)]
    public int RefreshFailuresPerIp { get; set; } = 300;

    /// <summary>Refreshes of one session in a window, on one node. 1 to 1,000,000; default 600.</summary>
    [Range(1, 1_000_000)]
    public int RefreshesPerSession { get; set; } = 600;

    /// <summary>Registrations one address may send in <see cref="RegistrationWindow"/>. 1 to 1,000,000; default 60.</summary>
    [Range(1, 1_000_000)]
    public int RegistrationsPerIp { get; set; } = 60;

    /// <summary>Mails (forgotten password, verification) one address may ask for in <see cref="RegistrationWindow"/>. 1 to 1,000,000; default 60.</summary>
    [Range(1, 1_000_000)]
    public int MailRequestsPerIp { get; set; } = 60;

    /// <summary>Tokens without worth, of those that mails bring, one address may send in a <see cref="Window"/>. 1 to 1,000,000; default 60.</summary>
    [Range(1, 1_000_000)]
    public int MailTokenFailuresPerIp { get; set; } = 60;

    /// <summary>1 s to 1 d; default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RegistrationWindow { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a device is known after a log-in. 1 d to 366 d; default 180 d.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "366.00:00:00")]
    public TimeSpan KnownDeviceLifetime { get; set; } = TimeSpan.FromDays(180);

    /// <summary>Counters of each kind (passwords, addresses, sessions) a node keeps in its memory, at 80 bytes each. 1,024 to 4,194,304;
    /// default 65,536. What happens when there are more: docs/throttling.md.</summary>
    [Range(1024, 4_194_304)]
    public int LocalCounters { get; set; } = 65_536;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (AccountFailures > StopAfter) yield return new ValidationResult("At most StopAfter.", [nameof(AccountFailures), nameof(StopAfter)]);
        if (FailureMemory <= LongestDelay) yield return new ValidationResult("Longer than LongestDelay, or waiting would be forgetting.", [nameof(FailureMemory), nameof(LongestDelay)]);
    }
}
