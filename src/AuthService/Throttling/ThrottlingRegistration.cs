using AuthService.Caching;
using AuthService.Installation;
using SolidCache;
using SolidCache.Redis.Resp;

namespace AuthService.Throttling;

internal static class ThrottlingRegistration
{
    /// <summary>Counters in Redis where one is configured, shared by all nodes; else each node's own.</summary>
    public static IServiceCollection AddThrottling(this IServiceCollection services, IConfiguration configuration)
    {
        return services
            .AddSingleton(Settings.Bind<ThrottlingOptions>(configuration, "Throttling"))
            .AddSingleton<CounterKeys>()
            .AddSingleton<RateLimits>()
            .AddSingleton(provider => CreateCounters(provider, provider.GetRequiredService<TimeProvider>()));
    }

    /// <param name="clock">What waits and windows go by.</param>
    internal static Counters CreateCounters(IServiceProvider provider, TimeProvider clock)
    {
        var prefix = provider.GetRequiredService<CacheOptions>().RedisKeyPrefix ?? "";
        var redis = provider.GetService<RedisClient>() is { } client ? new RedisCounters(client, prefix, clock) : null;
        var cache = provider.GetRequiredService<TieredCache>();
        var local = new LocalCounters(provider.GetRequiredService<ThrottlingOptions>(), clock);
        return new Counters(local, redis, () => cache.NodeCount, clock, provider.GetRequiredService<ILogger<Counters>>());
    }
}
