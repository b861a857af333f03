using AuthService.Installation;
using AuthService.Tokens;
using SolidCache;

namespace AuthService.Caching;

internal static class CachingRegistration
{
    /// <summary>The cache of this service: what is kept where, and for how long at most.</summary>
    /// <param name="connectionString">The primary, with its password: the cache opens connections of its own.</param>
    public static IServiceCollection AddCaching(this IServiceCollection services, IConfiguration configuration, string connectionString, MasterKey masterKey)
    {
        var freshness = Settings.Bind<FreshnessOptions>(configuration, "Freshness");
        var cache = Settings.Bind<CacheOptions>(configuration, "SolidCache");
        return services
            .AddSolidCache(options =>
            {
                options.ConnectionString = connectionString;
                // The migrations run it, before ours that use it.
                options.InstallSchema = false;
                options.MemoryMaxBytes = cache.MemoryMaxBytes;
                options.MaxBytes = cache.MaxBytes;
                options.CleanupInterval = cache.CleanupInterval;
                options.Freshness.Lease = freshness.Lease;
                options.Freshness.PollInterval = freshness.PollInterval;
                options.Freshness.Retention = freshness.Retention;
                options.Freshness.LeaseByHeartbeat = freshness.LeaseByHeartbeat;
                options.Freshness.TokenKey = masterKey.Derive("authz-revision/1");
                AddGroups(options);
            })
            .AddSingleton<Changes>();
    }

    private static void AddGroups(SolidCacheOptions options)
    {
        // PostgreSQL is the source of these: a copy of a row beside the row would spare nothing.
        foreach (var (name, prefix) in new[]
        {
            ("rights", CacheTags.RightsPrefix), ("roles", "roles:"), ("permissions", "permissions:"), ("sessions", CacheTags.SessionPrefix),
            ("tokens", CacheTags.TokenPrefix), ("keys", CacheTags.KeyPrefix),
        })
        {
            options.AddGroup(name, prefix, group => (group.InPostgres, group.SharesObjects) = (false, true));
        }

        options.AddGroup("profiles", CacheTags.ProfilePrefix, group => (group.Expiration, group.SharesObjects) = (TimeSpan.FromMinutes(10), true));
        options.AddGroup("settings", CacheTags.SettingPrefix, group => (group.Expiration, group.SharesObjects) = (TimeSpan.FromMinutes(10), true));
    }
}
