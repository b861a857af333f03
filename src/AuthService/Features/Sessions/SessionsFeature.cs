namespace AuthService.Features.Sessions;

internal static class SessionsFeature
{
    public static IServiceCollection AddSessions(this IServiceCollection services) => services
        .AddSingleton<SessionTokens>()
        .AddSingleton<StartSession>()
        .AddSingleton<RefreshSession>()
        .AddSingleton<LiveSessions>()
        .AddSingleton<EndSessions>()
        .AddSingleton<ListSessions>()
        .AddHostedService<PurgeExpiredSessions>();
}
