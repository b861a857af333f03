using AuthService.Database;
using Npgsql;

namespace AuthService.Explaining;

/// <summary>A statement and how it ran, or why it did not.</summary>
/// <param name="NotExplained">Null: it was.</param>
internal sealed record Explained(string Name, string Shape, bool IsHot, IReadOnlyList<Plan> Plans, string? NotExplained)
{
    public double Milliseconds => Plans.Count == 0 ? 0 : Plans.Max(p => p.Milliseconds);
    public bool HasFlags => Plans.Any(p => p.Flags.Count > 0);
}

/// <summary>All of them.</summary>
/// <param name="Statements">By name and shape.</param>
/// <param name="SmallTables">Of those that grow: the ones in which there are too few rows for a scan to be flagged, with their number.</param>
internal sealed record Explanation(IReadOnlyList<Explained> Statements, IReadOnlyDictionary<string, long> SmallTables)
{
    public IEnumerable<Explained> FlaggedHotPaths => Statements.Where(s => s is { IsHot: true, HasFlags: true });
}

/// <summary>Explains every statement of the service with values the database holds. Changes nothing; on one connection, one after another.</summary>
internal sealed class ExplainStatements(NpgsqlDataSource db, IReadOnlyList<OwnStatement> shapes)
{
    private static readonly SqlFile ReadTables = SqlFile.Beside<ExplainStatements>("read_tables");

    private static readonly string[] Growing = ["users", "user_roles", "sessions"];

    /// <summary>What can't be run and taken back, or not by itself, by name.</summary>
    public static IReadOnlyDictionary<string, string> NotExplained { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Database/Migrator.take_lock"] = "its lock is the session's: no rollback gives it back",
        ["Database/Migrator.release_lock"] = "there is no lock to release",
        ["Seeding/SeedDemonstration.reserve_ids"] = "moves a sequence, which no rollback takes back",
        ["DatabaseAdministration/ListSlowQueries.list_statements"] = "reads an extension that a server may lack",
    };

    public async Task<Explanation> ExecuteAsync(Action<int, int> progress, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        var rows = await ReadRowsAsync(connection, ct);
        var values = await SampleValues.DrawAsync(connection, ct);
        var explain = new ExplainStatement(connection);

        var filled = shapes.ToLookup(s => s.Name);
        OwnStatement[] statements = [.. OwnStatement.All.SelectMany(own => filled.Contains(own.Name) ? filled[own.Name] : [own])];
        var explained = new List<Explained>();
        foreach (var statement in statements)
        {
            ct.ThrowIfCancellationRequested();
            explained.Add(await OneAsync(statement));
            progress(explained.Count, statements.Length);
        }

        return new Explanation(explained, Growing.Where(table => Rows(table) <= Plan.LargeTableRows).ToDictionary(table => table, Rows, StringComparer.Ordinal));

        async Task<Explained> OneAsync(OwnStatement statement)
        {
            var isHot = HotPaths.Statements.Contains(statement.Name);
            var why = statement.WithoutPlan ?? NotExplained.GetValueOrDefault(statement.Name);
            if (why is not null) return new Explained(statement.Name, statement.Shape, isHot, [], why);
            return values.TryGet(statement, out var given, out var without)
                ? new Explained(statement.Name, statement.Shape, isHot, await explain.ExecuteAsync(statement, given, Rows, ct), null)
                : new Explained(statement.Name, statement.Shape, isHot, [], $"SampleValues.draw.sql has no value for {without.Name} {without.Type}");
        }

        long Rows(string table) => rows.GetValueOrDefault(table);
    }

    private static async Task<Dictionary<string, long>> ReadRowsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var rows = new Dictionary<string, long>(StringComparer.Ordinal);
        await using var command = ReadTables.On(connection);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct)) rows[row.GetString(0)] = row.GetInt64(1);
        return rows;
    }
}
