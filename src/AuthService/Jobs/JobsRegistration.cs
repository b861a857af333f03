using AuthService.Installation;

namespace AuthService.Jobs;

internal static class JobsRegistration
{
    public static IServiceCollection AddJobs(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(Settings.Bind<JobOptions>(configuration, "Jobs"))
        .AddSingleton<JobQueue>();

    /// <summary>Makes one kind of job known. A feature names its own.</summary>
    public static IServiceCollection AddJob<T>(this IServiceCollection services) where T : class, IJob => services.AddSingleton<IJob, T>();

    /// <inheritdoc cref="AddJob"/>
    public static IServiceCollection AddRecurringJob<T>(this IServiceCollection services) where T : class, IRecurringJob =>
        services.AddSingleton<T>().AddSingleton<IRecurringJob>(provider => provider.GetRequiredService<T>());
}
