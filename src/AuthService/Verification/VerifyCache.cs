using System.Security.Cryptography;
using AuthService.Caching;
using AuthService.Database;
using Microsoft.Extensions.Caching.Distributed;
using Npgsql;

namespace AuthService.Verification;

/// <summary>
/// Whether the cache of an installation works: a value's way in and out and its end, clean-up, and that nothing invalidated is served. Works
/// under keys of its own, which it removes.
/// </summary>
internal sealed class VerifyCache(NpgsqlDataSource db, RunningCache cache)
{
    private static readonly SqlFile CleanUp = SqlFile.Beside<VerifyCache>("clean_up");
    private static readonly TimeSpan ShortLife = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly string _key = $"verify:{Guid.CreateVersion7():N}";

    public async Task<IReadOnlyList<Check>> ExecuteAsync(CancellationToken ct) =>
    [
        await Check.OfAsync("set, get, remove", RoundTripAsync, ct),
        await Check.OfAsync("a value ends with its life", ExpiryAsync, ct),
        await Check.OfAsync("clean-up deletes what has ended", CleanUpAsync, ct),
        await Check.OfAsync("what was invalidated is not served", InvalidationAsync, ct),
    ];

    private async Task<(bool, string)> RoundTripAsync(CancellationToken ct)
    {
        var value = RandomNumberGenerator.GetBytes(400);
        await cache.Distributed.SetAsync(_key, value, new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(1) }, ct);
        var back = await cache.Distributed.GetAsync(_key, ct);
        await cache.Distributed.RemoveAsync(_key, ct);
        var after = await cache.Distributed.GetAsync(_key, ct);
        if (back is null || !back.AsSpan().SequenceEqual(value)) return (false, back is null ? "the value was not there" : "another value came back");
        return (after is null, after is null ? $"{value.Length} bytes" : "still there after its removal");
    }

    private async Task<(bool, string)> ExpiryAsync(CancellationToken ct)
    {
        await cache.Distributed.SetAsync(_key, [1], new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = ShortLife }, ct);
        var began = TimeProvider.System.GetTimestamp();
        var wasThere = await cache.Distributed.GetAsync(_key, ct) is not null;
        while (await cache.Distributed.GetAsync(_key, ct) is not null)
        {
            if (TimeProvider.System.GetElapsedTime(began) > Patience) return (false, $"still there after {Patience.TotalSeconds:0} s");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, ct);
        }

        return (wasThere, wasThere ? $"there at first, gone after {TimeProvider.System.GetElapsedTime(began).TotalMilliseconds:0} ms of {ShortLife.TotalMilliseconds:0}" : "never there");
    }

    private async Task<(bool, string)> CleanUpAsync(CancellationToken ct)
    {
        // The value of the check before has ended, and its row stands until somebody cleans up: this call, or a node meanwhile.
        var deleted = 0L;
        while (true)
        {
            await using var command = CleanUp.On(db);
            var now = (long)(await command.ExecuteScalarAsync(ct))!;
            if (now == 0) break;
            deleted += now;
        }

        var statistics = await cache.Distributed.GetStatisticsAsync(ct);
        return (statistics.ExpiredEntries == 0 || !statistics.IsExact, $"{deleted} deleted; {statistics.TotalEntries} entries, {statistics.TotalSizeKb} KB");
    }

    private async Task<(bool, string)> InvalidationAsync(CancellationToken ct)
    {
        var loads = 0;
        for (var round = 0; round < 3; round++)
        {
            var value = await cache.Tiered.GetOrCreateAsync(_key, _ => ValueTask.FromResult(++loads), tags: [_key + ":tag"], cancellationToken: ct);
            var again = await cache.Tiered.GetOrCreateAsync(_key, _ => ValueTask.FromResult(++loads), tags: [_key + ":tag"], cancellationToken: ct);
            if (value != round + 1 || again != value) return (false, $"load {value}, then {again}, in round {round + 1}");
            await cache.Tiered.RemoveByTagAsync(_key + ":tag", ct);
        }

        await cache.Tiered.RemoveAsync(_key, ct);
        return (true, "3 rounds");
    }
}
