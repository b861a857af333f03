namespace AuthService.Features.Bootstrap;

internal static class BootstrapFeature
{
    public static IServiceCollection AddBootstrap(this IServiceCollection services) => services
        .AddSingleton<CreateFirstAdministrator>()
        .AddHostedService<AdministratorOfTheEnvironment>();
}
