using System.Diagnostics;
using Microsoft.Extensions.Caching.Memory;
using SolidCache;

namespace Bench.SolidCache;

/// <summary>Hits in memory, on one thread and without a task in the way: one is shorter than what would measure it.</summary>
internal static class MemoryHits
{
    private const int Hits = 2_000_000;

    /// <param name="keys">1,024 of them and more; both caches hold <paramref name="text"/> under each.</param>
    /// <returns>MemoryCache, then ours.</returns>
    public static List<Measured> Run(string[] keys, MemoryCache memory, TieredCache cache, string text)
    {
        var found = 0L;
        var names = new[] { "MemoryCache.TryGetValue", "memory hit, GetOrCreateAsync" };
        var times = names.Select(_ => new List<double>()).ToArray();
        var bytes = names.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round < SideBySide.Rounds + 2; round++)
        {
            for (var which = 0; which < names.Length; which++)
            {
                var allocated = GC.GetAllocatedBytesForCurrentThread();
                var started = Stopwatch.GetTimestamp();
                if (which == 0)
                {
                    for (var i = 0; i < Hits; i++) if (memory.TryGetValue(keys[i & 1023], out string? hit)) found += hit!.Length;
                }
                else
                {
                    for (var i = 0; i < Hits; i++)
                    {
                        var hit = cache.GetOrCreateAsync(keys[i & 1023], text, static (t, _) => ValueTask.FromResult(t));
                        if (hit.IsCompletedSuccessfully) found += hit.Result.Length;
                    }
                }

                // The first two rounds are the compiler's.
                if (round < 2) continue;
                times[which].Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
                bytes[which].Add((GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)Hits);
            }
        }

        if (found == 0) throw new InvalidOperationException("Nothing was found.");
        return [.. names.Select((name, i) => new Measured(name, Hits / SideBySide.Median(times[i]), SideBySide.Median(bytes[i])))];
    }
}
