using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Hybrid;

namespace SolidCache.Loading;

/// <summary>
/// One load per key in this process. Whoever comes while one is under way joins it, and then has to judge the result: the load
/// began before the question. A load is gone from here before its waiters hear of its end, so that whoever comes back from it and finds
/// another knows: that one began later.
/// </summary>
internal sealed class LoadGate
{
    private readonly ConcurrentDictionary<LoadKey, Load> _underWay = new();

    public int Count => _underWay.Count;

    /// <summary>Callers that wait for loads of this process.</summary>
    public int Waiters => _underWay.Values.Sum(load => load.Waiters);

    /// <param name="began">True: the load is the caller's, who must run it, and it began with the caller's question.</param>
    public Load<T> JoinOrBegin<T>(string key, HybridCacheEntryFlags flags, out bool began)
    {
        var id = new LoadKey(key, typeof(T), flags);
        while (true)
        {
            if (_underWay.TryGetValue(id, out var found))
            {
                began = false;
                if (found.TryJoin()) return (Load<T>)found;
                _underWay.TryRemove(new KeyValuePair<LoadKey, Load>(id, found));   // everybody has left it
            }

            var load = new Load<T>();
            began = true;
            if (_underWay.TryAdd(id, load)) return load;
        }
    }

    /// <summary>Runs a load and hands its end to those who wait. Whoever began it may wait for this task instead, which saves a thread switch.</summary>
    /// <returns>Null: it failed, and <see cref="Load{T}.Result"/> says how.</returns>
    public async Task<LoadResult<T>?> RunAsync<T>(string key, HybridCacheEntryFlags flags, Load<T> load, Func<Load<T>, Task<LoadResult<T>>> run)
    {
        var entry = new KeyValuePair<LoadKey, Load>(new LoadKey(key, typeof(T), flags), load);
        try
        {
            var result = await run(load).ConfigureAwait(false);
            _underWay.TryRemove(entry);
            load.Complete(result);
            return result;
        }
        catch (Exception e)
        {
            _underWay.TryRemove(entry);
            load.Fail(e);
            return null;
        }
    }

    private readonly record struct LoadKey(string Key, Type Type, HybridCacheEntryFlags Flags);
}
