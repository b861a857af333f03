using System.Diagnostics.Metrics;

namespace SolidCache;

/// <summary>
/// A counter for what happens often: an addition to a cache line of the thread's own, whoever listens, and summed up when somebody collects. Also for what
/// happens rarely: it is there with 0 before anything has happened, so that the first event is an increase to whoever watches for one.
/// </summary>
internal sealed class EventCounter
{
    // One count for all would go from core to core at every event.
    private const int Cells = 16, CellSize = 8;

    private readonly long[] _cells = new long[Cells * CellSize];

    private EventCounter()
    {
    }

    public long Count => Enumerable.Range(0, Cells).Sum(cell => Interlocked.Read(ref _cells[cell * CellSize]));

    public static EventCounter Create(Meter meter, string name, string unit, string description)
    {
        var counter = new EventCounter();
        meter.CreateObservableCounter(name, () => counter.Count, unit, description);
        return counter;
    }

    /// <summary>One instrument with a label; a counter for each value it may have, in their order.</summary>
    public static EventCounter[] CreateBy(Meter meter, string name, string unit, string description, string label, params string[] values)
    {
        var counters = Array.ConvertAll(values, _ => new EventCounter());
        var labels = Array.ConvertAll(values, value => new KeyValuePair<string, object?>(label, value));
        meter.CreateObservableCounter<long>(name, () => counters.Select((counter, i) => new Measurement<long>(counter.Count, labels[i])), unit, description);
        return counters;
    }

    public void Add(long count = 1) => Interlocked.Add(ref _cells[Environment.CurrentManagedThreadId % Cells * CellSize], count);
}
