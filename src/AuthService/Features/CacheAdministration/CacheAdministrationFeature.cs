namespace AuthService.Features.CacheAdministration;

internal static class CacheAdministrationFeature
{
    public static IServiceCollection AddCacheAdministration(this IServiceCollection services) => services
        .AddSingleton<InvalidateCache>()
        .AddSingleton<CleanUpCache>()
        .AddSingleton<CompareRights>();
}
