using System.Globalization;
using System.Text.Json.Nodes;

namespace AuthService.Explaining;

/// <summary>Something about a plan that somebody should look at.</summary>
/// <param name="Code"><c>seq_scan</c>, <c>missing_index</c>, <c>whole_index</c>, <c>filtered</c>, <c>lossy</c>, <c>external_sort</c>, <c>slow</c> or <c>failed</c>.</param>
/// <param name="Where">The table or index, if it is at one.</param>
/// <param name="Detail">Figures for a person.</param>
internal sealed record PlanFlag(string Code, string? Where, string Detail);

/// <summary>How a statement ran, from <c>EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)</c>.</summary>
/// <param name="Kind"><c>custom</c>: planned for these values; <c>generic</c>: for all, as a prepared statement is after some runs; <c>lane</c>: as the cache's connections plan.</param>
/// <param name="Nodes">Every node from the top, with its table or index.</param>
/// <param name="IsTaken">Whether the server would plan so after some runs, by its own estimates. A generic plan that it thinks dear is flagged all the same: the
/// estimates are what is wrong when a plan is.</param>
/// <param name="Cost">As the server estimated it, in its own unit.</param>
/// <param name="Rows">That it gave back.</param>
/// <param name="Hit">Pages found in PostgreSQL's memory.</param>
/// <param name="Read">Pages that were not.</param>
internal sealed record Plan(string Kind, bool IsTaken, double Cost, IReadOnlyList<string> Nodes, double Milliseconds, long Rows, long Hit, long Read, IReadOnlyList<PlanFlag> Flags)
{
    /// <summary>A scan of all of it is flagged above this.</summary>
    public const long LargeTableRows = 10_000;

    /// <summary>Flagged as slow above this.</summary>
    public const double SlowMilliseconds = 100;

    /// <summary>Rows that are fetched and thrown away are flagged above this, if they are <see cref="ManyTimes"/> as many as those that stay.</summary>
    public const long ManyRows = 1_000;
    public const long ManyTimes = 10;

    /// <summary>What a run that failed is told as.</summary>
    public static Plan Failed(string kind, string why) => new(kind, IsTaken: true, 0, [], 0, 0, 0, 0, [new PlanFlag("failed", null, why)]);

    /// <param name="rows">How many rows a table has, by its name; 0 for what is none of ours.</param>
    public static Plan Of(string kind, string json, Func<string, long> rows)
    {
        var root = JsonNode.Parse(json)![0]!;
        var (nodes, flags) = (new List<string>(), new List<PlanFlag>());
        var top = root["Plan"]!;
        Visit(top, nodes, flags, rows);
        var milliseconds = (double)root["Execution Time"]!;
        if (milliseconds > SlowMilliseconds) flags.Add(new PlanFlag("slow", null, Text($"{milliseconds:N0} ms")));
        return new Plan(kind, IsTaken: true, (double)top["Total Cost"]!, nodes, milliseconds, Number(top, "Actual Rows"), Number(top, "Shared Hit Blocks"), Number(top, "Shared Read Blocks"), [.. flags.Distinct()]);
    }

    /// <summary>The top node, and where the rows come from.</summary>
    public string Summary
    {
        get
        {
            string[] scans = [.. Nodes.Skip(1).Where(n => n.Contains("Scan ", StringComparison.Ordinal) && !n.StartsWith("CTE", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal)];
            var shown = string.Join(", ", scans.Take(3)) + (scans.Length > 3 ? Text($" and {scans.Length - 3} more") : "");
            return Nodes.Count == 0 ? "" : shown.Length == 0 ? Nodes[0] : $"{Nodes[0]} ← {shown}";
        }
    }

    /// <summary>Which of the two the server takes: the generic one if it is no dearer than planning anew each time, which it reckons at 2.5 for each table.</summary>
    public static IReadOnlyList<Plan> Choose(Plan custom, Plan generic)
    {
        var planning = 2.5 * (1 + custom.Nodes.Count(n => n.Contains("Scan ", StringComparison.Ordinal)));
        var takesGeneric = generic.Cost < custom.Cost + planning;
        return [custom with { IsTaken = !takesGeneric }, generic with { IsTaken = takesGeneric }];
    }

    private static void Visit(JsonNode node, List<string> nodes, List<PlanFlag> flags, Func<string, long> rows)
    {
        var (type, table, index) = ((string)node["Node Type"]!, (string?)node["Relation Name"], (string?)node["Index Name"]);
        nodes.Add((index ?? table) is { } at ? $"{((string?)node["Operation"]) ?? type} {at}" : type);
        // What was planned and not run reads nothing.
        if (Number(node, "Actual Loops") > 0) Judge(node, type, table, index, flags, rows);
        foreach (var child in node["Plans"] as JsonArray ?? []) Visit(child!, nodes, flags, rows);
    }

    private static void Judge(JsonNode node, string type, string? table, string? index, List<PlanFlag> flags, Func<string, long> rows)
    {
        var loops = Number(node, "Actual Loops");
        var (kept, removed) = (Number(node, "Actual Rows") * loops, Number(node, "Rows Removed by Filter") * loops);
        var isLarge = table is not null && rows(table) > LargeTableRows;
        var removesMost = removed > ManyRows && removed > ManyTimes * kept;
        if (type == "Seq Scan")
        {
            if (isLarge) flags.Add(new PlanFlag(removesMost ? "missing_index" : "seq_scan", table, Text($"{kept + removed:N0} rows read, {kept:N0} of use")));
        }
        else if (removesMost && table is not null)
        {
            flags.Add(new PlanFlag("filtered", index ?? table, Text($"{removed:N0} rows thrown away, {kept:N0} of use")));
        }

        if (type is "Index Scan" or "Index Only Scan" && isLarge && node["Index Cond"] is null && kept + removed > LargeTableRows)
            flags.Add(new PlanFlag("whole_index", index, Text($"{kept + removed:N0} rows read")));

        var rechecked = Number(node, "Rows Removed by Index Recheck") * loops;
        if (Number(node, "Lossy Heap Blocks") > 0 || rechecked > ManyRows) flags.Add(new PlanFlag("lossy", table, Text($"{Number(node, "Lossy Heap Blocks"):N0} pages, {rechecked:N0} rows looked at again")));

        if ((string?)node["Sort Space Type"] == "Disk" || Number(node, "Hash Batches") > 1 || Number(node, "Disk Usage") > 0)
            flags.Add(new PlanFlag("external_sort", null, $"{type} needs more than work_mem"));
    }

    private static long Number(JsonNode node, string name) => node[name] is { } value ? (long)(double)value : 0;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
