using AuthService.Database;

namespace AuthService.Features.DatabaseAdministration;

internal static class DatabaseAdministrationFeature
{
    public static IServiceCollection AddDatabaseAdministration(this IServiceCollection services) => services
        .AddSingleton(new PoolGauges())   // now: who waits for a connection is counted from the start
        .AddSingleton<GetDatabaseStatus>()
        .AddSingleton<ListSlowQueries>()
        .AddSingleton<CheckIndexes>()
        .AddHostedService<WarnOfConnections>();
}
