using AuthService.Caching;
using AuthService.Installation;
using AuthService.Jobs;
using SolidCache;

namespace AuthService.Features.Authorization;

internal static class AuthorizationFeature
{
    public static IServiceCollection AddAuthorizationFeature(this IServiceCollection services, IConfiguration configuration)
    {
        // PostgreSQL is the source: a copy of a row beside the row would spare nothing.
        services.AddOptions<SolidCacheOptions>().Configure<RightsInRedis>((options, inRedis) => options.AddGroup("rights", CacheTags.RightsPrefix, group =>
        {
            (group.InPostgres, group.SharesObjects) = (false, true);
            group.ReadableInRedis(inRedis);
        }));
        return services
            .AddSingleton<RightsInRedis>()
            .AddSingleton(Settings.Bind<PermissionCacheOptions>(configuration, "PermissionCache"))
            .AddSingleton<Rights>()
            .AddSingleton<CheckPermission>()
            .AddSingleton<ExplainPermission>()
            .AddRecurringJob<WarmUpRights>()
            .AddHostedService(provider => provider.GetRequiredService<WarmUpRights>());
    }
}
