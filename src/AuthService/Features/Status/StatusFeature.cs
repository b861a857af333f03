namespace AuthService.Features.Status;

internal static class StatusFeature
{
    public static IServiceCollection AddStatus(this IServiceCollection services) => services
        .AddSingleton<WatchedParts>()
        .AddSingleton<WatchNode>();
}
