using Npgsql;

namespace Bench.Soak;

/// <summary>How long PostgreSQL took for one statement of the service, in milliseconds, since its counts began.</summary>
internal sealed record StatementTime(string Name, long Calls, long Rows, double Mean, double Deviation, double Max)
{
    // What carries no tag of ours is one line: BEGIN and COMMIT, above all. The bench's own statements are none of the service's.
    private const string Read = """
        SELECT /* Bench */ coalesce(substring(s.query FROM '/\* ([A-Za-z]+/[A-Za-z0-9/_.]+) \*/'), s.query), s.calls, s.rows, s.mean_exec_time, s.stddev_exec_time, s.max_exec_time
        FROM   pg_stat_statements s
        JOIN   pg_database d ON d.oid = s.dbid
        WHERE  d.datname = current_database() AND s.query NOT LIKE '%/* Bench */%' AND s.query NOT LIKE '%pg_stat_statements%'
        """;

    /// <summary>
    /// How many of its calls can have taken so long, at most, whatever their distribution (Cantelli's inequality): PostgreSQL keeps mean, deviation and
    /// maximum, no percentiles.
    /// </summary>
    public double AtMostAbove(double milliseconds)
    {
        if (Max < milliseconds) return 0;
        if (Mean >= milliseconds) return Calls;
        var (variance, distance) = (Deviation * Deviation, milliseconds - Mean);
        return Math.Max(1, Calls * variance / (variance + distance * distance));
    }

    public static async Task<IReadOnlyList<StatementTime>> ReadAsync(NpgsqlDataSource db)
    {
        var found = new List<StatementTime>();
        await using var command = db.CreateCommand(Read);
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync()) found.Add(new StatementTime(row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.GetDouble(3), row.GetDouble(4), row.GetDouble(5)));
        return found;
    }
}
