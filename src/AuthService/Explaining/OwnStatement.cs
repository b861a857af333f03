using System.Text.RegularExpressions;
using AuthService.Database;
using SolidCache;

namespace AuthService.Explaining;

/// <summary>One statement the service or its cache runs.</summary>
/// <param name="Name">As its tag says: <c>Users/ListUsers.list_users</c>.</param>
/// <param name="Shape">Empty, or in which way it was filled.</param>
/// <param name="Text">Without the header.</param>
/// <param name="Parameters">In order.</param>
/// <param name="IsPlannedForItsValues">As its <see cref="SqlFile"/> says.</param>
/// <param name="RunsOnLanes">Whether the cache's own connections run it: with a plan made once, for all values.</param>
internal sealed partial record OwnStatement(string Name, string Shape, string Text, IReadOnlyList<OwnParameter> Parameters, bool IsPlannedForItsValues, bool RunsOnLanes)
{
    // What makes the schema is run once and by whole files.
    private static readonly string[] Schemas = ["Database/Migrations/", "Postgres/Schema/", "Postgres/log_entries.sql"];

    /// <summary>Of ours, those that are handed to a <c>LaneSet</c>.</summary>
    internal static readonly string[] OnLanes = ["Sessions/RefreshSession.rotate", "Sessions/LiveSessions.find_sessions", "Authorization/Rights.load_role_ids"];

    /// <summary>All that are embedded in the service and in the cache, by name.</summary>
    public static IReadOnlyList<OwnStatement> All { get; } =
    [
        .. from assembly in new[] { typeof(OwnStatement).Assembly, typeof(TieredCache).Assembly }
           from file in assembly.GetManifestResourceNames()
           where file.EndsWith(".sql", StringComparison.Ordinal) && !Schemas.Any(schema => file.StartsWith(schema, StringComparison.Ordinal))
           let statement = Read(assembly, file)
           orderby statement.Name
           select statement,
    ];

    /// <summary>Why there is no plan of it; null: there is one.</summary>
    public string? WithoutPlan => FirstWord().Match(Comments().Replace(Text, "")).Value.ToUpperInvariant() switch
    {
        "SELECT" or "INSERT" or "UPDATE" or "DELETE" or "WITH" => null,
        var verb => $"{verb} has no plan",
    };

    /// <summary>As it is run where it has marked places.</summary>
    /// <param name="values">Parameters that mean something of their own in this shape: by which name their value is drawn.</param>
    public OwnStatement As(string shape, SqlFile filled, bool runsOnLanes, params ReadOnlySpan<(string Parameter, string Value)> values)
    {
        var parameters = Parameters.ToList();
        foreach (var (parameter, value) in values)
        {
            var index = parameters.FindIndex(p => p.Name == parameter);
            if (index >= 0) parameters[index] = parameters[index] with { Name = value };
        }

        return this with { Shape = shape, Text = filled.Text, Parameters = parameters, IsPlannedForItsValues = filled.IsPlannedForItsValues, RunsOnLanes = runsOnLanes };
    }

    private static OwnStatement Read(System.Reflection.Assembly assembly, string file)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(file)!);
        var text = reader.ReadToEnd();
        var name = Tag().Match(text).Groups["name"].Value;
        var header = Header().Match(text).Length;
        return new OwnStatement(
            name, "", text[header..],
            [.. Parameter().Matches(text).Select(m => new OwnParameter(m.Groups["name"].Value, m.Groups["type"].Value))],
            IsPlannedForItsValues: false, RunsOnLanes: name.StartsWith("SolidCache/", StringComparison.Ordinal) || OnLanes.Contains(name));
    }

    [GeneratedRegex(@"/\* (?<name>(?:[A-Za-z]+/)+[A-Za-z]+\.[a-z_]+) \*/", RegexOptions.NonBacktracking)]
    private static partial Regex Tag();

    [GeneratedRegex(@"\A(?:--[^\n]*\n)*", RegexOptions.NonBacktracking)]
    private static partial Regex Header();

    [GeneratedRegex(@"^-- \$\d+ (?<name>\w+) (?<type>[\w \[\]]+?) *$", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"--[^\n]*|/\*.*?\*/", RegexOptions.Singleline | RegexOptions.NonBacktracking)]
    private static partial Regex Comments();

    [GeneratedRegex("[A-Za-z]+", RegexOptions.NonBacktracking)]
    private static partial Regex FirstWord();
}

/// <summary>One of a statement's <c>$n</c>, as its header has it.</summary>
internal sealed record OwnParameter(string Name, string Type);
