namespace AuthService.Tokens;

/// <summary>
/// Makes sure there are keys before the node serves, then follows the database's and replaces the key that signs when it has
/// reached its age.
/// </summary>
internal sealed partial class SigningKeyUpkeep(
    SigningKeyRing ring, EnsureSigningKeys ensure, RotateSigningKey rotate, TokenOptions options, TimeProvider clock,
    ILogger<SigningKeyUpkeep> logger) : BackgroundService
{
    // Nobody waits for a rotation by age: it comes every few weeks.
    private static readonly TimeSpan RotationCheckInterval = TimeSpan.FromMinutes(1);

    /// <exception cref="InvalidOperationException">The database's keys were made under another master key.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await ensure.ExecuteAsync(cancellationToken);
        await ring.ReloadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.KeyReloadInterval, clock);
        var lastCheck = clock.GetTimestamp();
        var failures = 0;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ring.ReloadAsync(stoppingToken);
                if (failures > 0) LogReadAgain(failures);
                failures = 0;
                if (clock.GetElapsedTime(lastCheck) < RotationCheckInterval) continue;
                lastCheck = clock.GetTimestamp();
                await RotateIfOldAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Every second would bury the log; the first tells why, and the ring refuses to go on when it lasts too long.
                if (failures++ == 0) LogFailed(e, SigningKeyRing.StalenessLimit);
            }
        }
    }

    private async Task RotateIfOldAsync(CancellationToken ct)
    {
        // This node's clock only decides whether to ask; the database's decides.
        if (ring.Current.Active.ActiveFrom is not { } since || since + options.KeyRotationInterval > clock.GetUtcNow()) return;
        if (await rotate.ExecuteIfDueAsync(ct) is { WasScheduled: false } rotation) LogRotated(rotation.Kid, rotation.TakesEffectAt);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The signing keys could not be read. The node goes on with those it has for {Limit}.")]
    private partial void LogFailed(Exception exception, TimeSpan limit);

    [LoggerMessage(Level = LogLevel.Information, Message = "The signing keys were read again after {Failures} failures.")]
    private partial void LogReadAgain(int failures);

    [LoggerMessage(Level = LogLevel.Information, Message = "Signing key {Kid} takes over at {TakesEffectAt}: the present one has reached its age.")]
    private partial void LogRotated(string kid, DateTimeOffset takesEffectAt);
}
