namespace AuthService.Features.Authorization;

internal static class AuthorizationFeature
{
    public static IServiceCollection AddAuthorizationFeature(this IServiceCollection services) => services
        .AddSingleton<Rights>()
        .AddSingleton<CheckPermission>();
}
