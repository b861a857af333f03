using System.CommandLine;
using AuthService.Database;
using AuthService.Installation;

namespace AuthService.Cli;

/// <summary><c>authservice migrate [--plan]</c>.</summary>
internal static class MigrateCommand
{
    public static Command Create()
    {
        var plan = new Option<bool>("--plan") { Description = "Say what would be applied and change nothing." };
        var command = new Command("migrate", "Bring the database's schema up to date.") { plan };
        command.SetConfiguredAction((result, settings, ct) => ExecuteAsync(result.GetValue(plan), settings, ct));
        return command;
    }

    private static async Task<int> ExecuteAsync(bool planOnly, string[] settings, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        var migrations = planOnly
            ? await new Migrator(installation.Db, loggers.CreateLogger<Migrator>()).PlanAsync(ct)
            : await installation.BringUpToDateAsync(loggers, ct);
        foreach (var migration in migrations) await Console.Out.WriteLineAsync((planOnly ? "pending " : "applied ") + migration.Name);
        if (migrations.Count == 0) await Console.Out.WriteLineAsync("The schema is up to date.");
        return 0;
    }
}
