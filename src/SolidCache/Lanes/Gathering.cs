namespace SolidCache.Lanes;

/// <summary>Many calls that are to travel together: lanes found idle meanwhile wait until the last of them is made.</summary>
internal static class Gathering
{
    [ThreadStatic]
    private static List<(Lane Lane, ILaneQueue Queue)>? _held;

    /// <summary>Makes the calls one after the other, on this thread.</summary>
    /// <returns>Their tasks, in order.</returns>
    public static TTask[] Together<T, TTask>(T[] items, Converter<T, TTask> call) where TTask : Task
    {
        if (_held is not null) return Array.ConvertAll(items, call);
        var held = _held = [];
        try
        {
            return Array.ConvertAll(items, call);
        }
        finally
        {
            _held = null;
            foreach (var (lane, queue) in held)
            {
                if (!lane.TryEnqueue(queue)) queue.Abandon();
            }
        }
    }

    /// <returns>Whether the queue's lane is told later that callers wait.</returns>
    public static bool Holds(Lane lane, ILaneQueue queue)
    {
        if (_held is not { } held) return false;
        held.Add((lane, queue));
        return true;
    }
}
