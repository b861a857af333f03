namespace AuthService.Features.Authentication;

internal static class AuthenticationFeature
{
    public static IServiceCollection AddAuthenticationFeature(this IServiceCollection services) => services
        .AddSingleton<Register>()
        .AddSingleton<LogIn>()
        .AddSingleton<ChangePassword>();
}
