namespace SolidCache.Postgres;

/// <summary>Which requests of a batch ask for which hash. Several may ask for the same.</summary>
internal sealed class KeyIndex
{
    private readonly Dictionary<long, int> _first;
    private readonly int[] _next;

    public KeyIndex(int capacity) => (_first, _next) = (new Dictionary<long, int>(capacity), new int[capacity]);

    /// <summary>Distinct, in the order they came.</summary>
    public long[] Hashes => [.. _first.Keys];

    public void Add(long hash, int request)
    {
        ref var first = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_first, hash, out var exists);
        _next[request] = exists ? first : -1;
        first = request;
    }

    /// <summary>The last request that asked for this hash; -1: none.</summary>
    public int Find(long hash) => _first.TryGetValue(hash, out var request) ? request : -1;

    /// <summary>The request before it that asked for the same hash; -1: none.</summary>
    public int Before(int request) => _next[request];
}
