using System.CommandLine;
using System.CommandLine.Parsing;
using AuthService.Database;
using AuthService.Database.PrivateServer;
using AuthService.Installation;
using Microsoft.Extensions.Logging.Console;
using Npgsql;

namespace AuthService.Cli;

/// <summary>What the verbs share: configuration from file, environment and command line, in this order, and errors as one line.</summary>
internal static class CommandHost
{
    public static WebApplicationBuilder CreateBuilder(string[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = settings,
            ContentRootPath = AppContext.BaseDirectory,   // where appsettings.json is
        });
        builder.Logging.ClearProviders().AddConsole(console =>
        {
            NeverWait(console);
            // The slim builder has fixed the format, which outlives its logger; ours is the configuration's.
            console.FormatterName = builder.Configuration["Logging:Console:FormatterName"];
        });
        return builder;
    }

    /// <summary>For what happens before there is an application, and for verbs that never have one.</summary>
    /// <param name="toStandardError">For a verb whose output something may read.</param>
    public static ILoggerFactory CreateLoggers(IConfiguration configuration, bool toStandardError = false) =>
        LoggerFactory.Create(logging => logging.AddConfiguration(configuration.GetSection("Logging"))
            .AddConsole(console =>
            {
                NeverWait(console);
                console.LogToStandardErrorThreshold = toStandardError ? LogLevel.Trace : LogLevel.None;
            }));

    /// <summary>Whoever reads the lines may stop reading. Then lines are dropped, counted, and told of when there is room again; no request waits.</summary>
    private static void NeverWait(ConsoleLoggerOptions console) => console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;

    /// <summary>Settings may stand on the command line of any verb: <c>--ConnectionStrings:Primary=…</c>, <c>--urls …</c>. What is no
    /// setting is an error of the command line.</summary>
    public static void SetConfiguredAction(this Command command, Func<string[], CancellationToken, Task<int>> action) =>
        command.SetConfiguredAction((_, settings, ct) => action(settings, ct));

    /// <inheritdoc cref="SetConfiguredAction(Command, Func{string[], CancellationToken, Task{int}})"/>
    public static void SetConfiguredAction(this Command command, Func<ParseResult, string[], CancellationToken, Task<int>> action)
    {
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(async (result, ct) =>
        {
            string[] settings = [.. result.UnmatchedTokens];
            if (FirstStray(settings) is { } stray)
            {
                await Console.Error.WriteLineAsync($"{Name(result)}: '{stray}' is neither an option nor a setting such as --Section:Key=value. See --help.");
                return 2;
            }

            return await RunAsync(Name(result), () => action(result, settings, ct));
        });
    }

    /// <summary>The command as it was typed: <c>authservice keys rotate</c>.</summary>
    private static string Name(ParseResult result)
    {
        var names = new List<string>();
        for (SymbolResult? at = result.CommandResult; at is CommandResult command; at = at.Parent)
        {
            names.Insert(0, at.Parent is null ? "authservice" : command.Command.Name);
        }

        return string.Join(' ', names);
    }

    private static string? FirstStray(string[] settings)
    {
        for (var i = 0; i < settings.Length; i++)
        {
            if (settings[i].StartsWith("--urls=", StringComparison.OrdinalIgnoreCase)) continue;
            if (string.Equals(settings[i], "--urls", StringComparison.OrdinalIgnoreCase) && i + 1 < settings.Length) { i++; continue; }
            var equals = settings[i].IndexOf('=', StringComparison.Ordinal);
            if (!settings[i].StartsWith("--", StringComparison.Ordinal) || equals < 0 || !settings[i][..equals].Contains(':', StringComparison.Ordinal)) return settings[i];
        }

        return null;
    }

    private static async Task<int> RunAsync(string name, Func<Task<int>> action)
    {
        try
        {
            return await action();
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
        catch (Exception e) when (e is SettingsException or MigrationException or PrivatePostgresException or InvalidOperationException or NpgsqlException
            or DllNotFoundException or IOException)
        {
            // The operator's to mend: said in one line, without a stack.
            await Console.Error.WriteLineAsync($"{name}: {e.Message}");
            return 1;
        }
    }
}
