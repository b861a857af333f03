namespace IntegrationTests.SolidCache;

/// <summary>
/// The system's clock, some time ahead. Timers run as ever, so polls go on; a node that uses it has to have <c>Mechanisms.Pruning</c>
/// switched off, or it begins anew because its clock has moved against the database's.
/// </summary>
internal sealed class ShiftedClock : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => System.GetUtcNow().UtcTicks + Volatile.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Volatile.Read(ref _ticks));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
