using System.ComponentModel.DataAnnotations;

namespace AuthService.Features.Events;

/// <summary>The stream of changes to accounts and to who may do what. Section <c>Events</c>; checked at start.</summary>
internal sealed class EventOptions
{
    /// <summary>How long changes are kept for those who come back for them. 1 h to 90 d; default 7 d.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "90.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Where nothing happens, a listener is sent a line this often, and it is looked whether it still may listen. 100 ms to 5 min; default 15 s. Keep it
    /// below what proxies wait for.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How often a node with listeners asks for changes although nothing has told it of one. 10 ms to 1 min; default 1 s. What the cache learns makes it ask at once.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Listeners of one node; the next one is answered 503. 1 to 100,000; default 10,000.</summary>
    [Range(1, 100_000)]
    public int MaxListeners { get; set; } = 10_000;
}
