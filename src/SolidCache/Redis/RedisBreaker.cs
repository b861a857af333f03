namespace SolidCache.Redis;

/// <summary>Whether Redis is asked: a server that only lets callers wait is left alone for a while, then tried by one of them.</summary>
/// <remarks>A connection that is lost needs no breaker: the client says so at once. This is for servers that hang, and for those that refuse.</remarks>
internal sealed class RedisBreaker(TimeProvider clock)
{
    /// <summary>So many failures with no success between them, and it opens.</summary>
    public const int FailuresToOpen = 8;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(4);

    private readonly Lock _gate = new();
    private int _failures;
    private TimeSpan _pause = FirstPause;
    private long _openUntil;
    private volatile BreakerState _state;

    public BreakerState State => _state;

    /// <returns>False: leave it alone.</returns>
    public bool MayTry()
    {
        if (_state == BreakerState.Closed) return true;
        lock (_gate)
        {
            if (_state == BreakerState.Closed) return true;
            // One tries; whoever comes before its answer does not. Should its answer never come, the next pause ends as this one did.
            if (clock.GetTimestamp() < _openUntil) return false;
            _openUntil = clock.GetTimestamp() + (long)(_pause.TotalSeconds * clock.TimestampFrequency);
            _state = BreakerState.HalfOpen;
            return true;
        }
    }

    /// <returns>True: it was open until now.</returns>
    public bool Succeeded()
    {
        if (_state == BreakerState.Closed && Volatile.Read(ref _failures) == 0) return false;
        lock (_gate)
        {
            var wasOpen = _state != BreakerState.Closed;
            (_failures, _pause, _state) = (0, FirstPause, BreakerState.Closed);
            return wasOpen;
        }
    }

    /// <returns>True: it opens with this failure.</returns>
    public bool Failed()
    {
        lock (_gate)
        {
            var isFirst = _state == BreakerState.Closed;
            if (isFirst && ++_failures < FailuresToOpen) return false;
            // The failures of those who were waiting when it opened prolong nothing.
            if (_state == BreakerState.Open) return false;
            if (!isFirst) _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            _openUntil = clock.GetTimestamp() + (long)(_pause.TotalSeconds * clock.TimestampFrequency);
            _state = BreakerState.Open;
            return isFirst;
        }
    }
}

/// <summary>Whether calls reach Redis.</summary>
internal enum BreakerState
{
    /// <summary>They do.</summary>
    Closed,

    /// <summary>They don't, for a while.</summary>
    Open,

    /// <summary>One is trying.</summary>
    HalfOpen,
}
