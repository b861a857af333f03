using System.Globalization;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Features.Authorization;
using SolidCache;

namespace AuthService.Features.CacheAdministration;

/// <summary>
/// Compares every right this node has in memory with the database. Anything but "no difference" is a defect of the service: this is how an operator
/// sees that there is none.
/// </summary>
internal sealed class CompareRights(Rights rights, TieredCache cache, TimeProvider clock)
{
    private const int Slice = 500;
    private const int MostLooks = 20;
    private const int MostExamples = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    public async Task<CacheComparison> ExecuteAsync(CancellationToken ct)
    {
        long compared = 0;
        var different = new List<long>();
        foreach (var slice in cache.KeysInMemory(CacheTags.RightsPrefix).Select(NumberOf).Chunk(Slice))
        {
            compared += slice.Length;
            foreach (var id in await rights.DifferingFromDatabaseAsync(slice, ct))
            {
                if (await IsStaleAsync(id, ct)) different.Add(id);
            }
        }

        return new CacheComparison(compared, different.Count, [.. different.Take(MostExamples)]);
    }

    /// <summary>
    /// A difference may be a change this node is about to hear of. It is a defect if the very entries that differed are still served after the node
    /// has asked, in its own way, what became invalid. To ask for their versions here would teach it what it has missed.
    /// </summary>
    private async Task<bool> IsStaleAsync(long userId, CancellationToken ct)
    {
        for (var look = 0; look < MostLooks; look++)
        {
            var before = clock.GetTimestamp();
            if ((await rights.DifferingFromDatabaseAsync([userId], ct)).Count == 0) return false;
            await NextPollAsync(clock.GetTimestamp(), ct);
            if (rights.AreInMemorySince(userId, before)) return true;
        }

        return false;   // changed, and loaded anew, at every look
    }

    /// <summary>Returns after a poll that began later than <paramref name="since"/>, or when the lease has ended and nothing is served.</summary>
    private async Task NextPollAsync(long since, CancellationToken ct)
    {
        while (cache.HasLease)
        {
            var waited = clock.GetElapsedTime(since);   // before the lag: it must not be the shorter for having been asked later
            if (cache.Lag < waited) return;
            await Task.Delay(Pause, clock, ct);
        }
    }

    private static long NumberOf(string key) => long.Parse(key.AsSpan(CacheTags.RightsPrefix.Length), CultureInfo.InvariantCulture);
}
