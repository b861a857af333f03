using Npgsql;

namespace Bench.Http;

/// <summary>How often PostgreSQL has run each statement, by the tag comment every statement of the service carries.</summary>
internal sealed class StatementCounts
{
    // What carries no tag of ours is counted as one: BEGIN and COMMIT, above all. This statement is not.
    private const string Read = """
        SELECT /* Bench */ coalesce(substring(s.query FROM '/\* ([A-Za-z]+/[A-Za-z0-9/_.]+) \*/'), ''), sum(s.calls)::bigint
        FROM   pg_stat_statements s
        JOIN   pg_database d ON d.oid = s.dbid
        WHERE  d.datname = current_database() AND s.query NOT LIKE '%/* Bench */%'
        GROUP  BY 1
        """;

    private readonly Dictionary<string, long> _calls = new(StringComparer.Ordinal);

    public long All => _calls.Values.Sum();

    public static async Task<StatementCounts> ReadAsync(NpgsqlDataSource db)
    {
        var counts = new StatementCounts();
        await using var command = db.CreateCommand(Read);
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync()) counts._calls[row.GetString(0)] = row.GetInt64(1);
        return counts;
    }

    /// <summary>Adds what ran between two readings.</summary>
    public void Add(StatementCounts before, StatementCounts after)
    {
        foreach (var (tag, calls) in after._calls)
            _calls[tag] = _calls.GetValueOrDefault(tag) + calls - before._calls.GetValueOrDefault(tag);
    }

    /// <param name="tags">Beginnings: <c>Authorization/Rights.</c> counts all statements of that class.</param>
    public long Of(params string[] tags) => _calls.Where(c => tags.Any(t => c.Key.StartsWith(t, StringComparison.Ordinal))).Sum(c => c.Value);
}
