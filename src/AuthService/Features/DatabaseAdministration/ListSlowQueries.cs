using AuthService.Client;
using AuthService.Database;
using Npgsql;

namespace AuthService.Features.DatabaseAdministration;

/// <summary>What the database spends its time on, from pg_stat_statements. Where that lacks, what to do about it: an operator who asks has no use for an error.</summary>
internal sealed class ListSlowQueries(NpgsqlDataSource db)
{
    public const int MaxLimit = 100;
    public const int DefaultLimit = 20;

    private const string NotLoaded = "The server does not count statements. Set shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, restart PostgreSQL, and run CREATE EXTENSION pg_stat_statements in this database.";
    private const string NotCreated = "Run CREATE EXTENSION pg_stat_statements in this database, as a superuser and into a schema of the service's search_path; where it is there but of a version before 1.9, ALTER EXTENSION pg_stat_statements UPDATE.";
    private const string SeesOwn = "Only statements of the service's own account are shown. For those of others: GRANT pg_read_all_stats to it.";

    private static readonly SqlFile Look = SqlFile.Beside<ListSlowQueries>("look");
    private static readonly SqlFile ListStatements = SqlFile.Beside<ListSlowQueries>("list_statements");

    public async Task<Outcome<SlowQueries>> ExecuteAsync(int? limit, CancellationToken ct)
    {
        var take = limit ?? DefaultLimit;
        if (take is < 1 or > MaxLimit) return DatabaseAdministrationProblems.LimitNotValid;
        var (isLoaded, isCreated, seesAll) = await LookAsync(ct);
        if (!isLoaded || !isCreated) return new SlowQueries { Available = false, SeesAll = seesAll, Hint = isLoaded ? NotCreated : NotLoaded, Items = [] };

        var items = new List<SlowQuery>();
        DateTimeOffset? since = null;
        await using var command = ListStatements.On(db).With(take);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            since = row.IsDBNull(0) ? null : row.GetFieldValue<DateTimeOffset>(0);
            if (!row.IsDBNull(2)) items.Add(Read(row));
        }

        return new SlowQueries { Available = true, SeesAll = seesAll, Hint = seesAll ? null : SeesOwn, Since = since, Items = items };
    }

    private async Task<(bool IsLoaded, bool IsCreated, bool SeesAll)> LookAsync(CancellationToken ct)
    {
        await using var command = Look.On(db);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.GetBoolean(0), row.GetBoolean(1), row.GetBoolean(2));
    }

    private static SlowQuery Read(NpgsqlDataReader row) => new()
    {
        Name = row.IsDBNull(1) ? null : row.GetString(1),
        Query = row.GetString(2),
        Calls = row.GetInt64(3),
        TotalMs = row.GetDouble(4),
        MeanMs = row.GetDouble(5),
        MaxMs = row.GetDouble(6),
        Rows = row.GetInt64(7),
        BuffersHit = row.GetInt64(8),
        BuffersRead = row.GetInt64(9),
    };
}
