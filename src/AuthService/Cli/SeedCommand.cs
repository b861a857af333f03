using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AuthService.Installation;
using AuthService.Passwords;
using AuthService.Seeding;
using Spectre.Console;

namespace AuthService.Cli;

/// <summary><c>authservice seed --users N</c>.</summary>
internal static class SeedCommand
{
    private const int MaxUsers = 10_000_000;
    private const int MaxNames = 10_000;

    public static Command Create()
    {
        var users = Number("--users", 1_000, 0, MaxUsers, "Accounts u{n}@example.com, with two roles each.");
        var roles = Number("--roles", 50, 0, MaxNames, "Roles role{n}, with eight permissions each.");
        var permissions = Number("--permissions", 100, 8, MaxNames, "Permissions res{n}:read|write|admin|delete.");
        var password = new Option<string?>("--password") { Description = "Password of all seeded accounts; made up and printed if absent." };
        var command = new Command("seed", "Fill the database for demonstrations and load tests. Never on an installation in use.") { users, roles, permissions, password };
        command.SetConfiguredAction((result, settings, ct) => ExecuteAsync(
            result.GetValue(users), result.GetValue(roles), result.GetValue(permissions), result.GetValue(password), settings, ct));
        return command;
    }

    private static async Task<int> ExecuteAsync(int users, int roles, int permissions, string? password, string[] settings, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.BringUpToDateAsync(loggers, ct);

        var isMadeUp = password is null;
        password ??= TemporaryPassword.Create();
        using var hashing = new PasswordHashing(Settings.Bind<PasswordOptions>(configuration, "Passwords"), TimeProvider.System);
        if ((await hashing.HashAsync(password, ct)).Failed(out var busy, out var hash)) throw new SettingsException(busy.Title);

        var seed = new SeedDemonstration(installation.Db, TimeProvider.System);
        var started = Stopwatch.GetTimestamp();
        var first = await AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async bar =>
            {
                var task = bar.AddTask("accounts and their roles", maxValue: Math.Max(1, users * 3L));
                var number = await seed.ExecuteAsync(new SeedSize(users, roles, permissions, hash), rows => task.Value = rows, ct);
                task.Value = task.MaxValue;
                return number;
            });

        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{users:N0} accounts (u{first}@example.com and on) in {seconds:F1} s: {users * 3L / seconds:N0} rows/s."));
        if (isMadeUp) await Console.Out.WriteLineAsync($"Their password: {password}");
        return 0;
    }

    private static Option<int> Number(string name, int standard, int min, int max, string description)
    {
        var option = new Option<int>(name) { Description = $"{description} {min:N0} to {max:N0}; default {standard:N0}.", DefaultValueFactory = _ => standard };
        option.Validators.Add(result =>
        {
            // What is no number at all is refused without us; asked for its value here it would throw.
            if (result.Tokens is [var token] && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && (value < min || value > max)) result.AddError($"{name} is {min} to {max}.");
        });
        return option;
    }
}
