using AuthService.Installation;
using AuthService.Jobs;
using AuthService.Tokens;
using SolidCache;
using SolidCache.Redis.Resp;

namespace AuthService.Caching;

internal static class CachingRegistration
{
    /// <summary>The cache of this service: what is kept where, and for how long at most.</summary>
    /// <param name="connectionString">The primary, with its password: the cache opens connections of its own.</param>
    public static IServiceCollection AddCaching(this IServiceCollection services, IConfiguration configuration, string connectionString)
    {
        var freshness = Settings.Bind<FreshnessOptions>(configuration, "Freshness");
        var cache = Settings.Bind<CacheOptions>(configuration, "SolidCache");
        // Where jobs run, one of them cleans up, and tells about it in /admin/jobs.
        var isJob = cache.CleanupInterval >= CleanUpEntries.ShortestInterval && Settings.Bind<JobOptions>(configuration, "Jobs").Enabled;
        if (isJob) services.AddRecurringJob<CleanUpEntries>();
        _ = RedisConnectionString(configuration);   // what is wrong with it stops the start
        services.AddOptions<SolidCacheOptions>().Configure<MasterKey>((options, masterKey) =>
        {
            options.Freshness.TokenKey = masterKey.Derive("authz-revision/1");
            UseRedis(options, configuration, masterKey);
        });
        return services
            .AddSolidCache(options =>
            {
                options.ConnectionString = connectionString;
                // The migrations run it, before ours that use it.
                options.InstallSchema = false;
                options.MemoryMaxBytes = cache.MemoryMaxBytes;
                options.MaxBytes = cache.MaxBytes;
                options.CleanupInterval = isJob ? TimeSpan.Zero : cache.CleanupInterval;
                options.Freshness.Lease = freshness.Lease;
                options.Freshness.PollInterval = freshness.PollInterval;
                options.Freshness.Retention = freshness.Retention;
                options.Freshness.LeaseByHeartbeat = freshness.LeaseByHeartbeat;
                AddGroups(options);
            })
            .AddSingleton(cache)
            .AddSingleton<Changes>();
    }

    /// <summary>Redis as configured, if it is.</summary>
    public static void UseRedis(SolidCacheOptions options, IConfiguration configuration, MasterKey masterKey)
    {
        options.Redis.ConnectionString = RedisConnectionString(configuration);
        options.Redis.Key = masterKey.Derive("redis-entries/1");
        options.Redis.KeyPrefix = Settings.Bind<CacheOptions>(configuration, "SolidCache").RedisKeyPrefix ?? "";
    }

    /// <summary>What <c>ConnectionStrings:Redis</c> says; null: there is no Redis.</summary>
    /// <exception cref="SettingsException">It can't be read. A server that is merely away is no reason.</exception>
    private static string? RedisConnectionString(IConfiguration configuration)
    {
        if (configuration.GetConnectionString("Redis") is not { } text || string.IsNullOrWhiteSpace(text)) return null;
        try
        {
            _ = RedisSettings.Parse(text);
            return text;
        }
        catch (FormatException e)
        {
            throw new SettingsException($"ConnectionStrings:Redis can't be used: {e.Message}");
        }
    }

    private static void AddGroups(SolidCacheOptions options)
    {
        // PostgreSQL is the source of these: a copy of a row beside the row would spare nothing.
        options.AddGroup("sessions", CacheTags.SessionPrefix, group => (group.InPostgres, group.SharesObjects) = (false, true));
        // One for all accounts, or quicker to make than to fetch: of use in the memory of a node alone.
        foreach (var (name, prefix) in new[] { ("roles", "roles:"), ("permissions", "permissions:"), ("tokens", CacheTags.TokenPrefix), ("keys", CacheTags.KeyPrefix) })
            options.AddGroup(name, prefix, group => (group.InPostgres, group.InRedis, group.SharesObjects) = (false, false, true));

        options.AddGroup("profiles", CacheTags.ProfilePrefix, group => (group.Expiration, group.SharesObjects) = (TimeSpan.FromMinutes(10), true));
        options.AddGroup("settings", CacheTags.SettingPrefix, group => (group.Expiration, group.SharesObjects) = (TimeSpan.FromMinutes(10), true));
    }
}
