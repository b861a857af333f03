using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SolidCache.Lanes;
using SolidCache.Postgres;
using SolidCache.Redis.Resp;

namespace SolidCache;

/// <summary>The way in: one line in the host's start-up.</summary>
public static class SolidCacheRegistration
{
    /// <summary>
    /// Registers <see cref="HybridCache"/> and <see cref="TieredCache"/> (one object), <see cref="IDistributedCache"/>,
    /// <see cref="IBufferDistributedCache"/> and <see cref="PostgresCache"/> (one object), <see cref="LaneSet"/>, and where
    /// <see cref="RedisOptions.ConnectionString"/> is set <see cref="RedisClient"/>, with the service that keeps them going while the host runs. Makes its schema at the first start.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Sets at least <see cref="SolidCacheOptions.ConnectionString"/>.</param>
    /// <exception cref="OptionsValidationException">Thrown when the host starts: an option is out of range; names it.</exception>
    public static IServiceCollection AddSolidCache(this IServiceCollection services, Action<SolidCacheOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddOptions<SolidCacheOptions>().Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SolidCacheOptions>, SolidCacheOptionsRules>());
        services.TryAddSingleton(provider => new CacheNode(
            provider.GetRequiredService<IOptions<SolidCacheOptions>>().Value, provider,
            provider.GetService<TimeProvider>() ?? TimeProvider.System, provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, CacheNode>(provider => provider.GetRequiredService<CacheNode>()));
        services.TryAddSingleton(provider => provider.GetRequiredService<CacheNode>().Cache);
        // Whatever stood there: who calls this wants this one, and two would not know of each other's invalidations.
        services.Replace(ServiceDescriptor.Singleton<HybridCache>(provider => provider.GetRequiredService<TieredCache>()));
        services.TryAddSingleton(provider => provider.GetRequiredService<CacheNode>().Distributed);
        services.Replace(ServiceDescriptor.Singleton<IDistributedCache>(provider => provider.GetRequiredService<PostgresCache>()));
        services.Replace(ServiceDescriptor.Singleton<IBufferDistributedCache>(provider => provider.GetRequiredService<PostgresCache>()));
        services.TryAddSingleton(provider => provider.GetRequiredService<CacheNode>().Lanes);
        // Null where no Redis is configured.
        services.TryAddSingleton(provider => provider.GetRequiredService<CacheNode>().Redis!);
        return services;
    }
}

/// <summary>The ranges of the options, and what they must be to each other.</summary>
internal sealed class SolidCacheOptionsRules : IValidateOptions<SolidCacheOptions>
{
    public ValidateOptionsResult Validate(string? name, SolidCacheOptions options)
    {
        var wrong = new List<string>();
        Check("", options);
        Check("Freshness.", options.Freshness);
        Check("Chaos.Memory.", options.Chaos.Memory);
        Check("Chaos.Redis.", options.Chaos.Redis);
        Check("Chaos.Postgres.", options.Chaos.Postgres);
        if (options.CleanupInterval != TimeSpan.Zero && options.CleanupInterval < TimeSpan.FromSeconds(1)) wrong.Add("CleanupInterval is zero, or at least 1 s.");
        if (options.Freshness.Retention < options.Freshness.Lease * 2 + TimeSpan.FromSeconds(1)) wrong.Add("Freshness.Retention is at least twice Freshness.Lease and 1 s.");
        if (options.Freshness.TokenKey is { Length: < 32 }) wrong.Add("Freshness.TokenKey has at least 32 bytes.");
        foreach (var group in options.Groups.Append(options.DefaultGroup)) CheckGroup(group, options.Freshness.Retention - options.Freshness.Margin);
        CheckRedis(options.Redis);
        try
        {
            _ = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        }
        catch (ArgumentException)
        {
            wrong.Add("ConnectionString is not one of Npgsql's form.");   // without its text: it may hold a password
        }

        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);

        void Check(string prefix, object part)
        {
            var results = new List<ValidationResult>();
            Validator.TryValidateObject(part, new ValidationContext(part), results, validateAllProperties: true);
            wrong.AddRange(results.Select(result => $"{prefix}{result.ErrorMessage}"));
        }

        void CheckRedis(RedisOptions redis)
        {
            Check("Redis.", redis);
            if (redis.ConnectionString is null) return;
            if (redis.Key is not { Length: >= 32 }) wrong.Add("Redis.Key has at least 32 bytes where Redis.ConnectionString is set.");
            try
            {
                _ = RedisSettings.Parse(redis.ConnectionString);
            }
            catch (FormatException e)
            {
                wrong.Add($"Redis.ConnectionString: {e.Message}");
            }
        }

        void CheckGroup(CacheGroup group, TimeSpan longestInMemory)
        {
            var where = $"Group '{group.Name}': ";
            if (group.Expiration <= TimeSpan.Zero) wrong.Add($"{where}Expiration is over 0.");
            if (group.LocalExpiration is { } local && (local <= TimeSpan.Zero || local > longestInMemory))
                wrong.Add($"{where}LocalExpiration is over 0 and at most {longestInMemory}: the retention less its margin.");
            if (group.NegativeExpiration < TimeSpan.Zero) wrong.Add($"{where}NegativeExpiration is 0 or more.");
            if (group.Jitter is not (>= 0 and <= 0.5)) wrong.Add($"{where}Jitter is 0 to 0.5.");
            if (group.EagerRefreshAt is not (null or (>= 0.1 and <= 0.99))) wrong.Add($"{where}EagerRefreshAt is 0.1 to 0.99.");
            if (group.SoftTimeout is { } soft && (soft <= TimeSpan.Zero || soft > TimeSpan.FromDays(1))) wrong.Add($"{where}SoftTimeout is over 0 and at most 1 d.");
            if (group.ExpiredFor <= TimeSpan.Zero) wrong.Add($"{where}ExpiredFor is over 0.");
            if (group.OneLoaderPerCluster && !group.InPostgres) wrong.Add($"{where}OneLoaderPerCluster needs InPostgres.");
            if (group.Readable is not null && !group.SharesObjects) wrong.Add($"{where}ReadableInRedis needs SharesObjects.");
        }
    }
}
