using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AuthService.Explaining;
using AuthService.Features.AuditEvents;
using AuthService.Features.Sessions;
using AuthService.Features.Users;
using AuthService.Installation;
using Spectre.Console;

namespace AuthService.Cli;

/// <summary><c>authservice explain [--json]</c>: the plan of every statement the service runs, on this database.</summary>
internal static class ExplainCommand
{
    private const int SlowestShown = 10;
    private const int RedirectedWidth = 240;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Statements with marked places, as they are run.</summary>
    public static IReadOnlyList<OwnStatement> Shapes { get; } = FindShapes();

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Everything as JSON instead of tables." };
        var command = new Command("explain", "Run every statement of the service with values from this database, take it back, and show plan, time and what is amiss. Exit code 1: something is on a hot path.") { json };
        command.SetConfiguredAction((result, settings, ct) => ExecuteAsync(result.GetValue(json), settings, ct));
        return command;
    }

    private static async Task<int> ExecuteAsync(bool asJson, string[] settings, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration, toStandardError: true);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.RequireSchemaAsync(loggers, ct);

        var started = Stopwatch.GetTimestamp();
        var explanation = await new ExplainStatements(installation.Db, Shapes).ExecuteAsync(static (_, _) => { }, ct);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        if (asJson) await Console.Out.WriteLineAsync(JsonSerializer.Serialize(explanation, Json));
        else Print(explanation, seconds);
        return explanation.FlaggedHotPaths.Any() ? 1 : 0;
    }

    private static List<OwnStatement> FindShapes()
    {
        var all = OwnStatement.All.ToDictionary(s => s.Name, StringComparer.Ordinal);
        var rotate = all["Sessions/RefreshSession.rotate"];
        List<OwnStatement> shapes = [rotate, rotate.As("alone", Rotations.Alone, runsOnLanes: false)];
        foreach (var (name, shape, sort, isBeginning, file) in ListUsers.Shapes)
            shapes.Add(all[name].As(shape, file, runsOnLanes: false, ("place_key", "place_key_" + sort), ("search", isBeginning ? "search_beginning" : "search_part")));
        foreach (var (shape, file) in ListAuditEvents.Shapes) shapes.Add(all["AuditEvents/ListAuditEvents.list_events"].As(shape, file, runsOnLanes: false));
        return shapes;
    }

    private static void Print(Explanation explanation, double seconds)
    {
        // In a file the names are there to be found.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = RedirectedWidth;
        var explained = explanation.Statements.Where(s => s.NotExplained is null).ToList();
        var table = new Table().AddColumn(new TableColumn("statement").NoWrap()).AddColumns("plan", "top, and where from", "ms", "hit/read", "rows", "flags");
        foreach (var statement in explained)
            foreach (var plan in Distinct(statement.Plans)) table.AddRow(Row(statement, plan.Kind, plan.Plan));
        AnsiConsole.Write(table);

        var slowest = new Table().AddColumns("slowest", "ms");
        foreach (var statement in explained.OrderByDescending(s => s.Milliseconds).Take(SlowestShown)) slowest.AddRow(Name(statement), Text($"{statement.Milliseconds:F2}"));
        AnsiConsole.Write(slowest);

        var without = new Table().AddColumns("not explained", "why");
        foreach (var statement in explanation.Statements.Where(s => s.NotExplained is not null)) without.AddRow(Name(statement), statement.NotExplained!.EscapeMarkup());
        AnsiConsole.Write(without);

        foreach (var (name, rows) in explanation.SmallTables)
            Console.WriteLine(Text($"{name} has some {rows:N0} rows: too few to tell a scan that hurts. Try on a database with more than {Plan.LargeTableRows:N0}."));
        Console.WriteLine(Text(
            $"{explained.Count} explained, {explanation.Statements.Count - explained.Count} not, in {seconds:F1} s; {explained.Count(s => s.HasFlags)} with flags, {explanation.FlaggedHotPaths.Count()} of them on hot paths (*)."));
    }

    /// <summary>Once where both ways come to the same.</summary>
    private static IEnumerable<(string Kind, Plan Plan)> Distinct(IReadOnlyList<Plan> plans) =>
        plans is [var custom, var generic] && custom.Nodes.SequenceEqual(generic.Nodes, StringComparer.Ordinal) && custom.Flags.Count == 0 && generic.Flags.Count == 0
            ? [("both", custom.Milliseconds > generic.Milliseconds ? custom : generic)]
            : plans.Select(p => (p.IsTaken ? p.Kind : p.Kind + ", not taken", p));

    private static string[] Row(Explained statement, string kind, Plan plan) =>
    [
        Name(statement), kind, plan.Summary.EscapeMarkup(), Text($"{plan.Milliseconds:F2}"), Text($"{plan.Hit:N0}/{plan.Read:N0}"), Text($"{plan.Rows:N0}"),
        string.Join("; ", plan.Flags.Select(f => f.Where is null ? $"{f.Code}: {f.Detail}" : $"{f.Code} {f.Where}: {f.Detail}")).EscapeMarkup(),
    ];

    private static string Name(Explained statement) =>
        $"{(statement.IsHot ? "* " : "")}{statement.Name}{(statement.Shape.Length == 0 ? "" : $" ({statement.Shape})")}".EscapeMarkup();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
