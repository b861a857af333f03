using System.CommandLine;
using AuthService.Features.Bootstrap;
using AuthService.Installation;

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
        if (installation.Options.MigrateAtStart) await installation.BringUpToDateAsync(loggers, ct);

        var tokens = installation.BindTokens();
        var masterKey = await installation.ReadMasterKeyAsync(tokens, ct);
        await using var app = AuthServer.Build(builder, installation.Db, installation.ConnectionString, tokens, masterKey);
        try
        {
            await StartAsync(app, ct);
        }
        catch (FormatException e)
        {
            throw new SettingsException($"Urls = '{builder.Configuration["Urls"]}' can't be used: {e.Message}");
        }

        await Welcome.PrintAsync(app.Urls.First(), app.Services.GetRequiredService<CreateFirstAdministrator>(), builder.Configuration, ct);
        await app.WaitForShutdownAsync(ct);
        return 0;
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
}
