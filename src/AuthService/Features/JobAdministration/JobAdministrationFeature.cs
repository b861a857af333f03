namespace AuthService.Features.JobAdministration;

internal static class JobAdministrationFeature
{
    public static IServiceCollection AddJobAdministration(this IServiceCollection services) => services
        .AddSingleton<ListJobs>()
        .AddSingleton<ListRecurringJobs>()
        .AddSingleton<ChangeJobs>();
}
