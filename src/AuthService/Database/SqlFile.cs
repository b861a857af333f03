using Npgsql;

namespace AuthService.Database;

/// <summary>One SQL statement, kept in a .sql file beside the type that runs it and embedded in the assembly.</summary>
internal sealed record SqlFile(string Name, string Text)
{
    public static SqlFile Beside<TCaller>(string statement)
    {
        var folder = typeof(TCaller).Namespace!["AuthService.".Length..].Replace('.', '/');
        return Read($"{folder}/{typeof(TCaller).Name}.{statement}.sql").WithoutHeader();
    }

    /// <summary>
    /// Not prepared, but planned each time for the values it is run with: for a statement whose right plan depends on them. A prepared one gets, after five runs, one plan for
    /// all values if that looks no dearer; and for a pattern that is not known yet it does.
    /// </summary>
    public bool IsPlannedForItsValues { get; init; }

    /// <param name="name">Path below <c>src/AuthService</c>, with forward slashes.</param>
    public static SqlFile Read(string name)
    {
        using var stream = typeof(SqlFile).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"No embedded SQL file '{name}'.");
        using var reader = new StreamReader(stream);
        return new SqlFile(name, reader.ReadToEnd());
    }

    /// <summary>Without the comment at its head: pg_stat_activity shows the first kilobyte, and the tag must be in it.</summary>
    private SqlFile WithoutHeader()
    {
        var text = Text.AsSpan();
        while (text.StartsWith("--") && text.IndexOf('\n') is >= 0 and var end) text = text[(end + 1)..];
        return this with { Text = text.ToString() };
    }

    /// <summary>The statement with <c>/*name:*/ … /*:name*/</c> replaced. What stands between the marks in the file keeps it a valid
    /// statement by itself. Only ever filled with constants of ours: never with a word of a request.</summary>
    public SqlFile Fill(string name, string text)
    {
        string open = $"/*{name}:*/", close = $"/*:{name}*/";
        var filled = Text;
        for (var start = filled.IndexOf(open, StringComparison.Ordinal); start >= 0; start = filled.IndexOf(open, start, StringComparison.Ordinal))
        {
            var end = filled.IndexOf(close, start, StringComparison.Ordinal);
            filled = string.Concat(filled.AsSpan(0, start), text, filled.AsSpan(end + close.Length));
        }

        return filled == Text ? throw new InvalidOperationException($"{Name} has no place named '{name}'.") : this with { Text = filled };
    }

    public Statement On(NpgsqlDataSource db) => new(this, db);

    public Statement On(NpgsqlTransaction transaction) => new(this, transaction.Connection!, transaction);

    public Statement On(NpgsqlConnection connection) => new(this, connection, transaction: null);

    /// <summary>Adds the statement to a batch, which is one round trip. Prepare the batch before it is executed: <see cref="Statement"/>.</summary>
    public NpgsqlBatchCommand In(NpgsqlBatch batch)
    {
        var command = new NpgsqlBatchCommand(Text);
        batch.BatchCommands.Add(command);
        return command;
    }
}

/// <summary>Positional parameters in the order of their <c>$n</c>, typed by the value given.</summary>
internal static class SqlParameters
{
    /// <exception cref="TextNotStorableException">The value is a text that PostgreSQL does not take.</exception>
    public static NpgsqlBatchCommand With<T>(this NpgsqlBatchCommand command, T value)
    {
        command.Parameters.Add(Of(value));
        return command;
    }

    /// <inheritdoc cref="With{T}"/>
    public static NpgsqlParameter<T> Of<T>(T value) =>
        value is string text && !TextNotStorableException.IsStorable(text) ? throw new TextNotStorableException() : new NpgsqlParameter<T> { TypedValue = value };
}
