namespace AuthService.Client;

/// <summary>What the database spends its time on. Answer of <c>GET /admin/slow-queries</c>.</summary>
public sealed record SlowQueries
{
    /// <summary>Whether the server counts statements and this database may be asked for them; if not, <see cref="Hint"/> says what to do.</summary>
    public required bool Available { get; init; }

    /// <summary>What an operator should do to see more; null: nothing.</summary>
    public string? Hint { get; init; }

    /// <summary>Whether statements of all accounts of the server are here; if not, only those of the service's own.</summary>
    public required bool SeesAll { get; init; }

    /// <summary>When the server began to count.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>By total time, longest first; 0 to <c>limit</c>.</summary>
    public required IReadOnlyList<SlowQuery> Items { get; init; }
}

/// <summary>One statement of this database, whoever ran it. Times are milliseconds.</summary>
public sealed record SlowQuery
{
    /// <summary>Of a statement of the service, such as <c>Users/ListUsers.list_users</c>; else null.</summary>
    public string? Name { get; init; }

    /// <summary>Its text with <c>$n</c> for every value; the first 4,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>How often it ran.</summary>
    public required long Calls { get; init; }

    /// <summary>All runs together.</summary>
    public required double TotalMs { get; init; }

    /// <summary>One run on average.</summary>
    public required double MeanMs { get; init; }

    /// <summary>The longest run.</summary>
    public required double MaxMs { get; init; }

    /// <summary>Rows given back or changed, by all runs together.</summary>
    public required long Rows { get; init; }

    /// <summary>Pages found in the server's memory, by all runs together.</summary>
    public required long BuffersHit { get; init; }

    /// <summary>Pages that were not.</summary>
    public required long BuffersRead { get; init; }
}

/// <summary>What is amiss with the indexes of the service's tables; at most 200 of each kind. Answer of <c>GET /admin/indexes</c>.</summary>
public sealed record IndexReport
{
    /// <summary>Since when uses are counted; null: since the database was made, or the server crashed. A short time proves nothing.</summary>
    public DateTimeOffset? UsageSince { get; init; }

    /// <summary>No query has gone by them; unique ones are not among them. Largest first.</summary>
    public required IReadOnlyList<IndexFinding> Unused { get; init; }

    /// <summary>Foreign keys whose columns no index begins with.</summary>
    public required IReadOnlyList<UncoveredForeignKey> UncoveredForeignKeys { get; init; }

    /// <summary>Tables and indexes that are much larger than their rows need, by estimate.</summary>
    public required IReadOnlyList<BloatedRelation> Bloated { get; init; }

    /// <summary>How that was estimated, and from which size on.</summary>
    public required string BloatMethod { get; init; }

    /// <summary>Indexes that were never finished.</summary>
    public required IReadOnlyList<IndexFinding> Invalid { get; init; }

    /// <summary>Indexes that are alike.</summary>
    public required IReadOnlyList<DuplicateIndexes> Duplicates { get; init; }
}

/// <summary>An index.</summary>
/// <param name="Table">Its table.</param>
/// <param name="Index">Its name.</param>
/// <param name="Bytes">Its size on disk.</param>
public sealed record IndexFinding(string Table, string Index, long Bytes);

/// <summary>A foreign key without an index for it.</summary>
/// <param name="Table">The table that refers to another.</param>
/// <param name="Constraint">The key's name.</param>
/// <param name="Columns">Its columns, in order.</param>
public sealed record UncoveredForeignKey(string Table, string Constraint, IReadOnlyList<string> Columns);

/// <summary>A table or an index that is larger than it need be.</summary>
/// <param name="Kind"><c>table</c> or <c>index</c>.</param>
/// <param name="Table">The table.</param>
/// <param name="Name">The table or the index.</param>
/// <param name="Bytes">Its size on disk.</param>
/// <param name="WastedBytes">What of that it would not need when made anew, by estimate.</param>
public sealed record BloatedRelation(string Kind, string Table, string Name, long Bytes, long WastedBytes);

/// <summary>Indexes of one table of which one would do.</summary>
/// <param name="Table">Their table.</param>
/// <param name="Indexes">Their names.</param>
/// <param name="Bytes">All of them together.</param>
public sealed record DuplicateIndexes(string Table, IReadOnlyList<string> Indexes, long Bytes);
