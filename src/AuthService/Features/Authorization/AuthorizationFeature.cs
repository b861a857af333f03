using AuthService.Installation;

namespace AuthService.Features.Authorization;

internal static class AuthorizationFeature
{
    public static IServiceCollection AddAuthorizationFeature(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(Settings.Bind<PermissionCacheOptions>(configuration, "PermissionCache"))
        .AddSingleton<Rights>()
        .AddSingleton<CheckPermission>()
        .AddSingleton<ExplainPermission>()
        .AddHostedService<WarmUpRights>();
}
