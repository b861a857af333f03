using AuthService.Installation;

using AuthService.Jobs;

namespace AuthService.Features.Sessions;

internal static class SessionsFeature
{
    public static IServiceCollection AddSessions(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(Settings.Bind<SessionOptions>(configuration, "Sessions"))
        .AddSingleton<SessionTokens>()
        .AddSingleton<StartSession>()
        .AddSingleton<RefreshSession>()
        .AddSingleton<Rotations>()
        .AddSingleton<LiveSessions>()
        .AddSingleton<EndSessions>()
        .AddSingleton<ListSessions>()
        .AddRecurringJob<PurgeExpiredSessions>();
}
