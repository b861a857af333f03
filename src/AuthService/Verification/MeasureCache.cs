using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using AuthService.Caching;
using Microsoft.Extensions.Caching.Distributed;

namespace AuthService.Verification;

/// <summary>How long one operation takes, of many in a row. Times in milliseconds.</summary>
internal sealed record CacheLatency(string Operation, double PerSecond, double P50, double P95, double P99, double Longest);

/// <summary>Latency of the cache as one caller sees it: 400 bytes, and an object as JSON, on 100 keys that are removed afterwards.</summary>
internal sealed class MeasureCache(RunningCache cache)
{
    private const int Calls = 2_000;
    private const int Keys = 100;
    private const string AsJson = " JSON";

    private static readonly DistributedCacheEntryOptions Life = new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(5) };

    public async Task<IReadOnlyList<CacheLatency>> ExecuteAsync(CancellationToken ct)
    {
        var keys = Enumerable.Range(0, Keys).Select(i => $"verify:{Guid.CreateVersion7():N}:{i}").ToArray();
        var value = RandomNumberGenerator.GetBytes(400);
        var profile = new Profile(42, "someone@example.com", "Someone", ["user", "editor"], [.. Enumerable.Range(0, 12).Select(i => $"articles{i}:write")]);
        try
        {
            return
            [
                await MeasureAsync("SET", i => cache.Distributed.SetAsync(keys[i % Keys], value, Life, ct)),
                await MeasureAsync("GET", i => cache.Distributed.GetAsync(keys[i % Keys], ct)),
                await MeasureAsync("SET" + AsJson, i => cache.Distributed.SetAsync(keys[i % Keys], JsonSerializer.SerializeToUtf8Bytes(profile), Life, ct)),
                await MeasureAsync("GET" + AsJson, async i => JsonSerializer.Deserialize<Profile>(await cache.Distributed.GetAsync(keys[i % Keys], ct) ?? throw new InvalidOperationException("A value is gone."))),
            ];
        }
        finally
        {
            await cache.Distributed.RemoveManyAsync(keys, CancellationToken.None);
        }
    }

    private static async Task<CacheLatency> MeasureAsync(string operation, Func<int, Task> call)
    {
        for (var i = 0; i < Calls / 4; i++) await call(i);
        var times = new double[Calls];
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Calls; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await call(i);
            times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        var perSecond = Calls / Stopwatch.GetElapsedTime(began).TotalSeconds;
        Array.Sort(times);
        return new CacheLatency(operation, perSecond, times[Calls / 2], times[Calls * 95 / 100], times[Calls * 99 / 100], times[^1]);
    }

    private sealed record Profile(long Id, string Email, string Username, string[] Roles, string[] Permissions);
}
