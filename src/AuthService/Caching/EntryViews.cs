using AuthService.Client;
using SolidCache;

namespace AuthService.Caching;

/// <summary>What the cache says of an entry, as the API and the command line show it.</summary>
internal static class EntryViews
{
    public static CacheEntryView Of(string key, IReadOnlyList<TierReport> reports) => new(key, [.. reports.Select(r => new CacheTierView(
        r.Tier, r.State, Seconds(r.Age), Seconds(r.Left), [.. r.Tags.Select(t => new CacheTagView(t.Hash, t.Stamp, t.Version))], r.Text))]);

    private static double? Seconds(TimeSpan? time) => time is { } known ? Math.Round(known.TotalSeconds, 3) : null;
}
