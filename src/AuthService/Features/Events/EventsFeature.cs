using AuthService.Installation;

using AuthService.Jobs;

namespace AuthService.Features.Events;

internal static class EventsFeature
{
    public static IServiceCollection AddEvents(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(Settings.Bind<EventOptions>(configuration, "Events"))
        .AddSingleton<EventIds>()
        .AddSingleton<ChangeFeed>()
        .AddHostedService(provider => provider.GetRequiredService<ChangeFeed>())
        .AddSingleton<ListenToChanges>()
        .AddRecurringJob<PurgeChanges>();
}
