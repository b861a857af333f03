namespace AuthService.Features.SystemSettings;

internal static class SystemSettingsFeature
{
    public static IServiceCollection AddSystemSettings(this IServiceCollection services) => services
        .AddSingleton<GetSetting>()
        .AddSingleton<PutSetting>();
}
