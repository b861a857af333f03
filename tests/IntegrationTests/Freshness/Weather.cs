using System.Collections.Concurrent;
using System.Diagnostics;

namespace IntegrationTests.Freshness;

/// <summary>What the processes of a run are going through.</summary>
internal enum Condition
{
    /// <summary>Nothing, for a while.</summary>
    Healthy,

    /// <summary>One of them stands still, and nothing else.</summary>
    OneStopped,

    /// <summary>Something else, or it is just over.</summary>
    Disturbed,
}

/// <summary>Keeps which faults are under way, how many there were, and how long changes took meanwhile.</summary>
internal sealed class Weather
{
    // Leases have run out, connections are back.
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, int> _faults = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Condition, ConcurrentBag<TimeSpan>> _durations = new();
    private int _disturbances;
    private int _stopped;
    private long _quietSince;

    public IReadOnlyDictionary<string, int> Faults => _faults;

    public Condition Now
    {
        get
        {
            lock (_lock)
            {
                if (_disturbances == 0) return Stopwatch.GetElapsedTime(_quietSince) > Aftermath ? Condition.Healthy : Condition.Disturbed;
                return _disturbances == 1 && _stopped == 1 ? Condition.OneStopped : Condition.Disturbed;
            }
        }
    }

    /// <summary>A fault that holds nobody up.</summary>
    public void Count(string fault) => _faults.AddOrUpdate(fault, 1, static (_, count) => count + 1);

    /// <summary>A fault, until it is disposed.</summary>
    public IDisposable Begin(string fault)
    {
        Count(fault);
        return new Spell(this, isStop: false);
    }

    /// <summary>Within a fault: a process stands still, until it is disposed.</summary>
    public IDisposable Stopped() => new Spell(this, isStop: true);

    /// <summary>A grant or a revoke that was answered at the first attempt.</summary>
    public void Took(Condition before, TimeSpan duration)
    {
        // Who was held up by a process that stopped under them is no example of those who go elsewhere.
        if (before == Condition.Healthy && Now != before) return;
        _durations.GetOrAdd(before, static _ => []).Add(duration);
    }

    public IReadOnlyList<TimeSpan> Durations(Condition condition) => _durations.TryGetValue(condition, out var durations) ? [.. durations.Order()] : [];

    private sealed class Spell : IDisposable
    {
        private readonly Weather _weather;
        private readonly bool _isStop;

        public Spell(Weather weather, bool isStop)
        {
            (_weather, _isStop) = (weather, isStop);
            lock (weather._lock) Count(1);
        }

        public void Dispose()
        {
            lock (_weather._lock)
            {
                Count(-1);
                _weather._quietSince = Stopwatch.GetTimestamp();
            }
        }

        private void Count(int by)
        {
            if (_isStop) _weather._stopped += by;
            else _weather._disturbances += by;
        }
    }
}
