using AuthService.Cli;
using AuthService.Database;
using AuthService.Tokens;
using SolidCache;
using SolidCache.Freshness;

namespace IntegrationTests.Freshness;

/// <summary>How a process of the service is started: written on its command line as JSON.</summary>
/// <param name="Disabled">Parts of the freshness protocol that it does without.</param>
/// <param name="Redis">Null: it has none.</param>
internal sealed record ServiceSetup(string ConnectionString, string MasterKey, double LeaseSeconds, double RetentionSeconds, Mechanisms Disabled, string? Redis = null)
{
    public void Configure(SolidCacheOptions options)
    {
        options.Freshness.Lease = TimeSpan.FromSeconds(LeaseSeconds);
        options.Freshness.Retention = TimeSpan.FromSeconds(RetentionSeconds);
        options.Freshness.Disabled = Disabled;
        options.Redis.ConnectionString = Redis;
    }
}

/// <summary>
/// The service as a process of the test assembly, so that what a product never offers can be asked of it: to do without a part of the protocol.
/// Says where it listens, and serves until its input ends or says "stop".
/// </summary>
internal static class ServiceNode
{
    public static async Task<int> RunAsync(ServiceSetup setup)
    {
        var builder = CommandHost.CreateBuilder([
            "--urls=http://127.0.0.1:0", "--Jobs:Enabled=false", "--Tokens:AccessTokenLifetime=01:00:00", "--Sessions:MaxPerUser=1000",
            // One address logs in for everybody here, and a process that is killed leaves the attempts it was at counted as failed.
            "--Throttling:AccountFailures=100", "--Throttling:LogInsPerIp=1000000", "--Throttling:FailuresPerIp=1000000",
            "--Throttling:RefreshFailuresPerIp=1000000", "--Throttling:RefreshesPerSession=1000000",
            "--Logging:Console:FormatterName=simple", "--Logging:LogLevel:Default=Error"]);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        await using var db = DataSources.Create(setup.ConnectionString, new DatabaseOptions { PoolMinimum = 0, PoolMaximum = 20 }, loggers: null);
        var tokens = AuthService.Installation.Settings.Bind<TokenOptions>(builder.Configuration, "Tokens");
        await using var app = AuthServer.Build(
            builder, db, setup.ConnectionString, tokens, () => MasterKey.Parse(setup.MasterKey, "the setup"), services => services.Configure<SolidCacheOptions>(setup.Configure));
        await app.StartAsync();
        Console.WriteLine(app.Urls.First());
        while (await Console.In.ReadLineAsync() is { } line && line != "stop")
        {
            // Nothing else can be said to it.
        }

        await app.StopAsync();
        return 0;
    }
}
