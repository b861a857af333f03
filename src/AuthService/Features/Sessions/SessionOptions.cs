using System.ComponentModel.DataAnnotations;

namespace AuthService.Features.Sessions;

/// <summary>How long sign-ins live. Section <c>Sessions</c>; checked at start.</summary>
internal sealed class SessionOptions
{
    /// <summary>A session whose tokens are not renewed for this long has ended. 5 min to 90 d; default 14 d (strict installations: 1 h).</summary>
    [Range(typeof(TimeSpan), "00:05:00", "90.00:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromDays(14);

    /// <summary>A session ends this long after its log-in, whatever happens. 5 min to 366 d; default 30 d (strict: 24 h).</summary>
    [Range(typeof(TimeSpan), "00:05:00", "366.00:00:00")]
    public TimeSpan AbsoluteTimeout { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long the token before the current one is answered with the current one again, for clients whose answer got
    /// lost. 0 to 60 s; default 10 s. After that, presenting it means that somebody else has a copy: the session ends.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan RefreshGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Live sessions of one account; one more ends the oldest. 1 to 1,000; default 50.</summary>
    [Range(1, 1000)]
    public int MaxPerUser { get; set; } = 50;
}
