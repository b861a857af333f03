using System.ComponentModel.DataAnnotations;

namespace AuthService.Jobs;

/// <summary>Background work. Section <c>Jobs</c>.</summary>
internal sealed class JobOptions
{
    /// <summary>Whether this node runs jobs, or leaves that to others; default true. Jobs are taken in either way.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How many jobs this node runs at once, 1 to 100; default 10.</summary>
    [Range(1, 100)]
    public int MaxRunning { get; set; } = 10;

    /// <summary>How long one try may take before it is stopped and counts as failed, 1 s to 1 h; default 300 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan TimeLimit { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How often a job is tried before it goes to the dead letters, 1 to 50; default 10: with the waits below, some three and a half hours.</summary>
    [Range(1, 50)]
    public int MaxTries { get; set; } = 10;

    /// <summary>Wait after the first failure; each further one is three times as long, and each is moved by up to a fifth at random. 100 ms to 1 h; default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan FirstRetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest of these waits, 100 ms to 24 h; default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "1.00:00:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long jobs that succeeded stay listed, 1 min to 90 d; default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "90.00:00:00")]
    public TimeSpan KeepSucceeded { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long dead letters wait for somebody to look at them, 1 h to 365 d; default 90 d.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan KeepDead { get; set; } = TimeSpan.FromDays(90);
}
