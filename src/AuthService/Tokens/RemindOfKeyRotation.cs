using System.Globalization;
using AuthService.Jobs;

namespace AuthService.Tokens;

/// <summary>Warns once a day where the key that signs is older than it should be: keys are replaced by age, so something keeps the nodes from it.</summary>
internal sealed partial class RemindOfKeyRotation(SigningKeyRing ring, TokenOptions options, TimeProvider clock, ILogger<RemindOfKeyRotation> logger) : IRecurringJob
{
    private static readonly TimeSpan Overdue = TimeSpan.FromDays(2);

    public string Name => "remind_of_key_rotation";
    public TimeSpan Interval { get; } = TimeSpan.FromDays(1);

    public Task<string> RunAsync(IProgress<string> progress, CancellationToken ct)
    {
        var active = ring.Current.Active;
        if (active.ActiveFrom is not { } since) return Task.FromResult("no key has begun to sign yet");
        var age = clock.GetUtcNow() - since;
        if (age > options.KeyRotationInterval + Overdue) LogOverdue(active.Key.Kid, age.TotalDays, options.KeyRotationInterval.TotalDays);
        return Task.FromResult(string.Create(CultureInfo.InvariantCulture, $"the key that signs is {age.TotalDays:0} of {options.KeyRotationInterval.TotalDays:0} days old"));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Signing key {Kid} has signed for {Days:F0} days and should have been replaced after {Limit:F0}. Run `authservice keys rotate`, and see the log for why no node did")]
    private partial void LogOverdue(string kid, double days, double limit);
}
