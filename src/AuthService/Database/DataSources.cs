using System.Globalization;
using AuthService.Installation;
using Npgsql;

namespace AuthService.Database;

/// <summary>Builds the one data source of a server role with the pool and session settings the service relies on.</summary>
internal static class DataSources
{
    /// <summary>Names of pools, in metrics and status.</summary>
    public const string Primary = "primary", Replica = "replica";

    /// <param name="connectionString">Npgsql's form. Every keyword written in it wins over <paramref name="options"/>.</param>
    /// <param name="options">Pool sizes and times.</param>
    /// <param name="loggers">Where Npgsql logs; null: nowhere.</param>
    /// <exception cref="ArgumentException">The connection string is malformed, or its pool sizes contradict each other.</exception>
    public static NpgsqlDataSource Create(string connectionString, DatabaseOptions options, ILoggerFactory? loggers, string name = Primary)
    {
        var builder = new NpgsqlDataSourceBuilder(Complete(connectionString, options)) { Name = name };
        if (loggers is not null) builder.UseLoggerFactory(loggers);
        return builder.Build();
    }

    /// <summary>Lists and exports on the replica of <c>ConnectionStrings:Replica</c>, if that says one. A server that is merely away does not stop the start.</summary>
    /// <exception cref="SettingsException">It can't be read.</exception>
    public static IServiceCollection AddReplicaReads(this IServiceCollection services, IConfiguration configuration)
    {
        var options = Settings.Bind<DatabaseOptions>(configuration, "Database");
        var text = configuration.GetConnectionString("Replica");
        try
        {
            _ = string.IsNullOrWhiteSpace(text) ? null : Complete(text, options);
        }
        catch (ArgumentException e)
        {
            throw new SettingsException($"ConnectionStrings:Replica can't be used: {e.Message}");
        }

        return services.AddSingleton(provider => new ReplicaReads(
            provider.GetRequiredService<NpgsqlDataSource>(),
            string.IsNullOrWhiteSpace(text) ? null : Create(text, options, provider.GetService<ILoggerFactory>(), Replica),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ReplicaReads>>()));
    }

    internal static string Complete(string connectionString, DatabaseOptions options)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        Default("Application Name", "authservice");
        Default("Timezone", "UTC");
        Default("Minimum Pool Size", options.PoolMinimum);
        Default("Maximum Pool Size", options.PoolMaximum);
        // Who asks for a small pool means it: the minimum gives way, unless the connection string demands it.
        if (settings.MinPoolSize > settings.MaxPoolSize)
        {
            if (!WasWritten("Minimum Pool Size")) settings.MinPoolSize = settings.MaxPoolSize;
            else if (!WasWritten("Maximum Pool Size")) settings.MaxPoolSize = settings.MinPoolSize;
        }

        Default("Connection Idle Lifetime", Seconds(options.ConnectionIdleLifetime));
        Default("Connection Lifetime", Seconds(options.ConnectionLifetime));
        Default("Command Timeout", Seconds(options.CommandTimeout));
        Default("Timeout", Seconds(options.AcquireTimeout));

        // The driver would send DISCARD's parts before every use of a pooled connection: five statements for each of ours. Nothing here
        // leaves anything in a session: settings are SET LOCAL, advisory locks are those of transactions (the migrator cleans up itself).
        Default("No Reset On Close", true);

        // A start-up option, not a SET: RESET ALL goes back to it.
        if (settings.Options?.Contains("statement_timeout", StringComparison.Ordinal) != true)
            settings.Options = string.Create(CultureInfo.InvariantCulture,
                $"{settings.Options} -c statement_timeout={(long)options.StatementTimeout.TotalMilliseconds}").Trim();
        return settings.ConnectionString;

        void Default(string keyword, object value)
        {
            if (!settings.ShouldSerialize(keyword)) settings[keyword] = value;
        }

        bool WasWritten(string keyword) => new NpgsqlConnectionStringBuilder(connectionString).ShouldSerialize(keyword);
    }

    private static int Seconds(TimeSpan time) => (int)Math.Ceiling(time.TotalSeconds);
}
