using AuthService.Installation;
using Npgsql;
using Quartz;

namespace AuthService.Jobs;

internal static class JobsRegistration
{
    public static IServiceCollection AddJobs(this IServiceCollection services, IConfiguration configuration)
    {
        var options = Settings.Bind<JobOptions>(configuration, "Jobs");
        services.AddSingleton(options).AddSingleton<JobQueue>();
        if (!options.Enabled) return services;
        services.AddQuartz(quartz => quartz
            .ConfigureScheduler(scheduler =>
            {
                scheduler.InstanceName = "authservice";
                scheduler.GenerateInstanceId = true;
            })
            .UseDefaultThreadPool(options.MaxRunning)
            .UsePersistentStore(store => store
                .UsePostgres(source => source.DataSourceFactory = provider => provider.GetRequiredService<NpgsqlDataSource>())
                .UseClustering(cluster => cluster.CheckinMisfireThreshold = TimeSpan.FromSeconds(15))
                .ConfigureStore(postgres =>
                {
                    postgres.TablePrefix = "qrtz_";
                    postgres.StoreJobDataAsStrings = true;
                    postgres.AcceptEnlistedTransactions = true;
                    postgres.LockFreeFiringRounds = true;
                    postgres.MisfireThreshold = TimeSpan.FromDays(1);   // late is better than not at all
                })));
        return services.AddSingleton<JobTries>().AddSingleton<JobFigures>().AddSingleton<HandOverJobs>().AddJob<StartRecurringJob>().AddRecurringJob<PurgeJobs>().AddHostedService<JobScheduler>();
    }

    /// <summary>Makes one kind of job known. A feature names its own.</summary>
    public static IServiceCollection AddJob<T>(this IServiceCollection services) where T : class, IJob => services.AddSingleton<IJob, T>();

    /// <inheritdoc cref="AddJob"/>
    public static IServiceCollection AddRecurringJob<T>(this IServiceCollection services) where T : class, IRecurringJob =>
        services.AddSingleton<T>().AddSingleton<IRecurringJob>(provider => provider.GetRequiredService<T>());
}
