using System.CommandLine;
using AuthService.Features.Bootstrap;
using AuthService.Health;
using AuthService.Http;
using AuthService.Installation;
using AuthService.Tokens;

namespace AuthService.Cli;

/// <summary><c>authservice serve</c>: opens the installation, brings its schema up to date, serves until told to stop.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var command = new Command("serve", "Serve the HTTP API. Without ConnectionStrings:Primary, on a private PostgreSQL in the data folder.");
        command.SetConfiguredAction(ExecuteAsync);
        return command;
    }

    private static async Task<int> ExecuteAsync(string[] settings, CancellationToken ct)
    {
        var builder = CommandHost.CreateBuilder(settings);
        using var loggers = CommandHost.CreateLoggers(builder.Configuration);
        await using var installation = await OpenInstallation.OpenAsync(builder.Configuration, asOwner: true, loggers, ct);
        builder.Services.AddSingleton<IHostLifetime, SignalsElsewhere>();
        await using var app = await BuildAsync(builder, installation, loggers, ct);
        try
        {
            await StartAsync(app, ct);
        }
        catch (FormatException e)
        {
            throw new SettingsException($"Urls = '{builder.Configuration["Urls"]}' can't be used: {e.Message}");
        }

        await Welcome.PrintAsync(app.Urls.First(), app.Services.GetRequiredService<CreateFirstAdministrator>(), builder.Configuration, ct);
        await StopAsync(app, Settings.Bind<HttpOptions>(builder.Configuration, "Http").DrainTime, ct);
        return 0;
    }

    /// <summary>The schema is PostgreSQL's work, the parts are this process's: beside each other.</summary>
    private static async Task<WebApplication> BuildAsync(WebApplicationBuilder builder, OpenInstallation installation, ILoggerFactory loggers, CancellationToken ct)
    {
        var tokens = installation.BindTokens();
        var preparing = Task.Run(PrepareAsync, CancellationToken.None);
        try
        {
            return AuthServer.Build(builder, installation.Db, installation.ConnectionString, tokens, () => preparing.GetAwaiter().GetResult());
        }
        finally
        {
            await preparing;
        }

        async Task<MasterKey> PrepareAsync()
        {
            if (installation.Options.MigrateAtStart) await installation.BringUpToDateAsync(loggers, ct);
            return await installation.ReadMasterKeyAsync(tokens, ct);
        }
    }

    /// <summary>Told to stop, the node first lets balancers notice. Then streams end, and what is under way is finished.</summary>
    private static async Task StopAsync(WebApplication app, TimeSpan drainTime, CancellationToken ct)
    {
        var stopping = app.Lifetime.ApplicationStopping;
        using (var told = CancellationTokenSource.CreateLinkedTokenSource(ct, stopping)) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, told.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // A service that has failed stops the application at once: it is in no state to go on.
        await app.Services.GetRequiredService<Draining>().RunAsync(stopping.IsCancellationRequested ? TimeSpan.Zero : drainTime, stopping);
        await app.StopAsync(CancellationToken.None);
    }

    private static async Task StartAsync(WebApplication app, CancellationToken ct)
    {
        try
        {
            await app.StartAsync(ct);
        }
        catch
        {
            // What had begun is ended in order: else the host reports every background service as failed, and the reason drowns.
            await app.StopAsync(CancellationToken.None);
            throw;
        }
    }

    /// <summary>The command line hears signals, and hands them on as a token; the host would end its streams at the first of them.</summary>
    private sealed class SignalsElsewhere : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
