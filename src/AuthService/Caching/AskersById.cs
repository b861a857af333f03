namespace AuthService.Caching;

/// <summary>Who in a batch asked for which id: several may ask for one, and the statement is to name it once.</summary>
internal sealed class AskersById<T> where T : notnull
{
    private readonly Dictionary<T, int> _last;
    private readonly int[] _before;

    public AskersById(IReadOnlyList<T> asked)
    {
        (_last, _before) = (new Dictionary<T, int>(asked.Count), new int[asked.Count]);
        for (var i = 0; i < asked.Count; i++)
        {
            _before[i] = _last.TryGetValue(asked[i], out var other) ? other : -1;
            _last[asked[i]] = i;
        }
    }

    /// <summary>Each id once.</summary>
    public T[] Ids => [.. _last.Keys];

    /// <returns>One who asked for it, the last; -1: nobody.</returns>
    public int Last(T id) => _last.GetValueOrDefault(id, -1);

    /// <returns>The one before who asked for the same; -1: there is none.</returns>
    public int Before(int index) => _before[index];
}
