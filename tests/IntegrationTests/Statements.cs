using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Npgsql;

namespace IntegrationTests;

/// <summary>
/// Counts the statements a test's database has run, by the tag each of ours carries and by their text otherwise
/// (<c>BEGIN</c>, <c>COMMIT</c>). What a node does of its own accord is left out: reading its keys, writing buffered events, asking what became invalid.
/// </summary>
internal static partial class Statements
{
    private static readonly string[] Background =
    [
        "Tokens/LoadSigningKeys.read_keys", "Audit/AuditTrail.insert_events", "Audit/SealEvents.", "Events/ChangeFeed.",
        "SolidCache/Freshness/InvalidationPoll.", "SolidCache/Freshness/Pruning.", "SolidCache/Freshness/WakeUp.", "SolidCache/Lanes/LaneConnections.",
    ];

    // By name of the database and id of the statement. The server keeps all texts of all its databases in one file and reads it whole whenever one is asked for.
    private static readonly ConcurrentDictionary<(string Database, long Id), string> Names = new();

    /// <summary>What ran between the start and the end of <paramref name="action"/>, with the number of runs.</summary>
    public static async Task<SortedDictionary<string, long>> CountAsync(TestDatabase database, Func<Task> action, CancellationToken ct)
    {
        // A connection that says nothing but its question: the counting is not counted.
        var builder = new NpgsqlDataSourceBuilder(database.ConnectionString + ";Pooling=false");
        builder.ConfigureTypeLoading(types => types.EnableTypeLoading(false));
        await using var observer = builder.Build();
        await using var connection = await observer.OpenConnectionAsync(ct);
        var before = await ReadAsync(connection, ct);
        await action();
        var runs = (await ReadAsync(connection, ct)).Select(s => (Id: s.Key, Count: s.Value - before.GetValueOrDefault(s.Key))).Where(s => s.Count > 0).ToList();
        if (runs.Exists(s => !Names.ContainsKey((connection.Database, s.Id)))) await ReadNamesAsync(connection, ct);

        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (id, count) in runs)
        {
            var name = Names[(connection.Database, id)];
            if (name.Contains("pg_stat_statements", StringComparison.Ordinal) || Background.Any(own => name.StartsWith(own, StringComparison.Ordinal))) continue;
            counts[name] = counts.GetValueOrDefault(name) + count;
        }

        return counts;
    }

    private static async Task<Dictionary<long, long>> ReadAsync(NpgsqlConnection observer, CancellationToken ct)
    {
        await using var command = observer.CreateCommand();
        command.CommandText = "SELECT s.queryid, sum(s.calls)::bigint FROM pg_stat_statements(false) s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database() GROUP BY s.queryid";
        await using var row = await command.ExecuteReaderAsync(ct);
        var counts = new Dictionary<long, long>();
        while (await row.ReadAsync(ct)) counts[row.GetInt64(0)] = row.GetInt64(1);
        return counts;
    }

    private static async Task ReadNamesAsync(NpgsqlConnection observer, CancellationToken ct)
    {
        await using var command = observer.CreateCommand();
        command.CommandText = "SELECT s.queryid, s.query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database()";
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var text = row.GetString(1);
            Names[(observer.Database, row.GetInt64(0))] = Tag().Match(text) is { Success: true } tag ? tag.Groups[1].Value : text;
        }
    }

    [GeneratedRegex(@"/\* ((?:\w+/)?\w+/\w+\.\w+) \*/")]
    private static partial Regex Tag();
}

/// <summary>
/// Counts the statements of single requests: those that run in the request itself, and not in a lane or behind a buffer, where it meets others. A request is told by its trace.
/// </summary>
internal sealed partial class TracedStatements : IDisposable
{
    private readonly ConcurrentDictionary<(ActivityTraceId Trace, string Tag), int> _counts = new();
    private readonly ActivityListener _listener;

    public TracedStatements()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Npgsql" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.Source.Name != "Npgsql") return;
                var text = activity.GetTagItem("db.query.text") ?? activity.GetTagItem("db.statement");
                foreach (Match tag in Tag().Matches(text as string ?? "")) _counts.AddOrUpdate((activity.TraceId, tag.Groups["name"].Value), 1, (_, count) => count + 1);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <returns>A new trace, and the header <c>traceparent</c> that puts a request into it.</returns>
    public (ActivityTraceId Id, string Header) Begin()
    {
        var trace = ActivityTraceId.CreateRandom();
        return (trace, $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
    }

    /// <param name="statement">Its tag.</param>
    public int Of((ActivityTraceId Id, string Header) trace, string statement) => _counts.GetValueOrDefault((trace.Id, statement));

    public void Dispose() => _listener.Dispose();

    [GeneratedRegex(@"/\* (?<name>(?:\w+/)?\w+/\w+\.\w+) \*/", RegexOptions.ExplicitCapture)]
    private static partial Regex Tag();
}
