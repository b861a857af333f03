using AuthService.Jobs;

namespace AuthService.Tokens;

internal static class TokensRegistration
{
    /// <summary>
    /// Needs <see cref="TokenOptions"/>, <see cref="MasterKey"/>, <see cref="TimeProvider"/> and the data source. The upkeep is a
    /// hosted service whose start makes and reads the keys: register it before what serves requests.
    /// </summary>
    public static IServiceCollection AddTokens(this IServiceCollection services)
    {
        services.AddSingleton<SigningKeySeal>();
        services.AddSingleton<LoadSigningKeys>();
        services.AddSingleton<EnsureSigningKeys>();
        services.AddSingleton<RotateSigningKey>();
        services.AddSingleton<DistrustSigningKey>();
        services.AddSingleton<ListSigningKeys>();
        services.AddSingleton(provider =>
            new SigningKeyRing(provider.GetRequiredService<LoadSigningKeys>().ExecuteAsync, provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService<SigningKeyUpkeep>();
        services.AddRecurringJob<RemindOfKeyRotation>();
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<VerifiedTokens>();
        services.AddSingleton<RefreshTokens>();
        return services;
    }
}
