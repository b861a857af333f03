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
internal sealed class CompareRights(Rights rights, TieredCache cache)
{
    private const int Slice = 500;
    private const int MostExamples = 20;

    public async Task<CacheComparison> ExecuteAsync(CancellationToken ct)
    {
        long compared = 0;
        var different = new List<long>();
        foreach (var slice in cache.KeysInMemory(CacheTags.RightsPrefix).Select(NumberOf).Chunk(Slice))
        {
            compared += slice.Length;
            foreach (var id in await rights.DifferingFromDatabaseAsync(slice, ct))
            {
                // Changed in between, perhaps, and not yet learnt of: after asking, memory must agree or be silent.
                await cache.ConfirmAsync([CacheTags.User(id), CacheTags.Catalog, CacheTags.AllRights, CacheTags.RolesGroup, CacheTags.Everything], ct);
                if ((await rights.DifferingFromDatabaseAsync([id], ct)).Count > 0) different.Add(id);
            }
        }

        return new CacheComparison(compared, different.Count, [.. different.Take(MostExamples)]);
    }

    private static long NumberOf(string key) => long.Parse(key.AsSpan(CacheTags.RightsPrefix.Length), CultureInfo.InvariantCulture);
}
