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
        "Tokens/LoadSigningKeys.read_keys", "Audit/AuditTrail.insert_events",
        "SolidCache/Freshness/InvalidationPoll.", "SolidCache/Freshness/Pruning.", "SolidCache/Freshness/WakeUp.", "SolidCache/Lanes/LaneConnections.",
    ];

    /// <summary>What ran between the start and the end of <paramref name="action"/>, with the number of runs.</summary>
    public static async Task<SortedDictionary<string, long>> CountAsync(TestDatabase database, Func<Task> action, CancellationToken ct)
    {
        // A connection that says nothing but its question: the counting is not counted.
        var builder = new NpgsqlDataSourceBuilder(database.ConnectionString + ";Pooling=false");
        builder.ConfigureTypeLoading(types => types.EnableTypeLoading(false));
        await using var observer = builder.Build();
        var before = await ReadAsync(observer, ct);
        await action();
        var counts = await ReadAsync(observer, ct);
        foreach (var (name, count) in before)
        {
            if (counts[name] == count) counts.Remove(name);
            else counts[name] -= count;
        }

        foreach (var name in counts.Keys.Where(name => Background.Any(own => name.StartsWith(own, StringComparison.Ordinal))).ToArray()) counts.Remove(name);
        return counts;
    }

    private static async Task<SortedDictionary<string, long>> ReadAsync(NpgsqlDataSource observer, CancellationToken ct)
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        await using var command = observer.CreateCommand(
            """
            SELECT s.query, s.calls
            FROM   pg_stat_statements s
            JOIN   pg_database d ON d.oid = s.dbid
            WHERE  d.datname = current_database() AND s.query NOT LIKE '%pg_stat_statements%'
            """);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var text = row.GetString(0);
            var name = Tag().Match(text) is { Success: true } tag ? tag.Groups[1].Value : text;
            counts[name] = counts.GetValueOrDefault(name) + row.GetInt64(1);
        }

        return counts;
    }

    [GeneratedRegex(@"/\* ((?:\w+/)?\w+/\w+\.\w+) \*/")]
    private static partial Regex Tag();
}
