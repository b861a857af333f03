namespace IntegrationTests;

/// <summary>The system's clock after somebody has set it: the time of day jumps, elapsed time and timers don't.</summary>
internal sealed class SteppedClock : TimeProvider
{
    private long _ticks;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Volatile.Read(ref _ticks));

    public void Set(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
