using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.AccessControl;
using AuthService.Features.AuditEvents;
using AuthService.Features.Authentication;
using AuthService.Features.Authorization;
using AuthService.Features.Bootstrap;
using AuthService.Features.CacheAdministration;
using AuthService.Features.DatabaseAdministration;
using AuthService.Features.Email;
using AuthService.Features.Events;
using AuthService.Features.JobAdministration;
using AuthService.Features.Permissions;
using AuthService.Features.Roles;
using AuthService.Features.Sessions;
using AuthService.Features.SigningKeys;
using AuthService.Features.Status;
using AuthService.Features.SystemSettings;
using AuthService.Features.Users;
using AuthService.Features.Webhooks;
using AuthService.Health;
using AuthService.Http;
using AuthService.Installation;
using AuthService.Jobs;
using AuthService.Outbound;
using AuthService.Passwords;
using AuthService.Telemetry;
using AuthService.Throttling;
using AuthService.Tokens;
using Npgsql;

namespace AuthService.Cli;

/// <summary>The table of contents of the service: what it is made of and which routes it has. What is not listed here isn't there.</summary>
internal static class AuthServer
{
    /// <param name="builder">With the configuration; its options are checked here.</param>
    /// <param name="db">A database that is migrated before the application starts. Stays the caller's to dispose.</param>
    /// <param name="connectionString">Of the same database, with its password: for the cache's own connections.</param>
    /// <param name="masterKey">Not asked for before the application starts.</param>
    /// <param name="replace">Puts other parts in place of ours; for tests that need another clock or a fault.</param>
    /// <exception cref="SettingsException">The configuration is wrong.</exception>
    public static WebApplication Build(
        WebApplicationBuilder builder, NpgsqlDataSource db, string connectionString, TokenOptions tokens, Func<MasterKey> masterKey,
        Action<IServiceCollection>? replace = null)
    {
        var configuration = builder.Configuration;
        builder.AddHttp(Settings.Bind<HttpOptions>(configuration, "Http"));

        builder.Services
            .AddSingleton(TimeProvider.System)
            .AddSingleton(db)   // an instance given from outside is not disposed with the app
            .AddReplicaReads(configuration)
            .AddSlowStatementLog(configuration)
            .AddSingleton(tokens)
            .AddSingleton(_ => masterKey())
            .AddSingleton(Settings.Bind<PasswordOptions>(configuration, "Passwords"))
            .AddSingleton<PasswordHashing>()
            .AddSingleton<PasswordPolicy>()
            .AddSingleton<BreachedPasswords>()
            .AddSingleton(Settings.Bind<AuditOptions>(configuration, "Audit"))
            .AddSingleton<AuditTrail>()
            .AddHostedService(services => services.GetRequiredService<AuditTrail>())
            .AddRecurringJob<PreparePartitions>()
            .AddSingleton<AuditSeals>()
            .AddHostedService<SealEvents>();
        builder.Services
            .AddCaching(configuration, connectionString)
            .AddTokens()
            .AddThrottling(configuration)
            .AddTelemetry(configuration)
            .AddJobs(configuration)
            .AddOutbound(configuration);

        builder.Services
            .AddAuditEvents()
            .AddAuthenticationFeature(configuration)
            .AddAuthorizationFeature(configuration)
            .AddBootstrap()
            .AddCacheAdministration()
            .AddDatabaseAdministration()
            .AddEmail(configuration)
            .AddEvents(configuration)
            .AddJobAdministration()
            .AddPermissions()
            .AddRoles()
            .AddSessions(configuration)
            .AddStatus()
            .AddHealth()
            .AddSystemSettings()
            .AddUsers()
            .AddWebhooks();

        replace?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseTelemetry();
        app.Use(app.Services.GetRequiredService<Draining>().CloseConnectionsAsync);
        app.UseHttp();
        app.UseMiddleware<AccessEnforcement>();

        app.MapAuthentication();
        app.MapAccountPages();
        app.MapAuthorization();
        app.MapBootstrap();
        app.MapPermissions();
        app.MapRoles();
        app.MapSessions();
        app.MapUsers();
        app.MapEvents();
        app.MapAuditEvents();
        app.MapSystemSettings();
        app.MapWebhooks();
        app.MapSigningKeys();
        app.MapCacheAdministration();
        app.MapDatabaseAdministration();
        app.MapJobAdministration();
        app.MapStatus();
        app.MapGroup("").OftenAsked().MapHealth();
        app.MapGroup("").OftenAsked().MapTelemetry();
        return app;
    }
}
