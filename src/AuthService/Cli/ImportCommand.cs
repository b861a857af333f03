using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AuthService.Caching;
using AuthService.Features.UserImport;
using AuthService.Features.Users;
using Spectre.Console;

namespace AuthService.Cli;

/// <summary><c>authservice import FILE</c>: accounts that another system has had until now.</summary>
internal static class ImportCommand
{
    /// <summary>Exit code: the file is through, and some records were not stored.</summary>
    private const int SomeRefused = 3;

    private const int MostShown = 20;

    public static Command Create()
    {
        var file = new Argument<FileInfo>("file") { Description = "users.ndjson, users.jsonl or users.csv." };
        var rejects = new Option<FileInfo?>("--rejects") { Description = "File that the records which were not stored are named in, one a line, with the reason; appended to." };
        var again = new Option<bool>("--again") { Description = "Begin at the beginning, also where this file was imported before." };
        var command = new Command("import", "Make an account of each record of a file. Broken off, it goes on where it was when it is called again.") { file, rejects, again };
        command.SetConfiguredAction((result, settings, ct) =>
            ExecuteAsync(result.GetRequiredValue(file), result.GetValue(rejects), result.GetValue(again), settings, ct));
        return command;
    }

    private static async Task<int> ExecuteAsync(FileInfo file, FileInfo? rejects, bool again, string[] settings, CancellationToken ct)
    {
        var isCsv = file.Extension.ToLowerInvariant() switch
        {
            ".csv" => true,
            ".ndjson" or ".jsonl" => false,
            _ => throw new UserFileException($"{file.Name} is neither .ndjson, .jsonl nor .csv."),
        };
        await using var content = new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, useAsync: true);
        await using var rejected = rejects is null ? null : new StreamWriter(rejects.FullName, append: true);
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration);
        await using var installation = await Installation.OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.RequireSchemaAsync(loggers, ct);
        await using var cache = await installation.StartCacheAsync(ct);
        var import = new ImportUsers(installation.Db, new Changes(installation.Db, cache.Tiered));

        var started = Stopwatch.GetTimestamp();
        var (first, shown) = (default(ImportProgress?), new List<string>());
        var done = await AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async bar =>
            {
                var task = bar.AddTask("accounts", maxValue: Math.Max(1, content.Length));
                var done = await import.ExecuteAsync(content, isCsv, again, Progress, Refused, ct);
                task.Value = task.MaxValue;
                return done;

                void Progress(ImportProgress now)
                {
                    first ??= now;
                    task.Description = string.Create(CultureInfo.InvariantCulture, $"{now.Records:N0} records");
                    task.Value = content.Position;
                }
            });

        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        foreach (var line in shown) await Console.Error.WriteLineAsync(line);
        if (done.Refused - first!.Value.Refused > shown.Count) await Console.Error.WriteLineAsync("… and more. --rejects FILE names all.");
        if (first.Value.Records > 0) await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{first.Value.Records:N0} records were imported before."));
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{done.Stored:N0} accounts of {done.Records:N0} records, {done.Refused:N0} refused, in {seconds:F1} s: {(done.Records - first.Value.Records) / seconds:N0} records/s."));
        return done.Refused > 0 ? SomeRefused : 0;

        void Refused(long line, RowProblem problem)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"line {line}: {problem.Code}{(problem.Member is null ? "" : $" ({problem.Member})")}");
            rejected?.WriteLine(text);
            if (shown.Count < MostShown) shown.Add(text);
        }
    }
}
