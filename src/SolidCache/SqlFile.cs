namespace SolidCache;

/// <summary>One SQL statement, kept in a .sql file beside the type that runs it and embedded in the assembly.</summary>
internal sealed record SqlFile(string Name, string Text)
{
    /// <summary>How the files write the schema, so that each runs in <c>psql</c> as it stands.</summary>
    private const string WrittenSchema = "solid_cache";

    public static SqlFile Beside<TCaller>(string statement)
    {
        var folder = typeof(TCaller).Namespace!["SolidCache".Length..].TrimStart('.').Replace('.', '/');
        return Read($"{folder}/{typeof(TCaller).Name}.{statement}.sql".TrimStart('/')).WithoutHeader();
    }

    /// <param name="name">Path below the project's folder, with forward slashes.</param>
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

    /// <summary>The statement for tables in <paramref name="schema"/>.</summary>
    public string In(string schema)
    {
        if (schema == WrittenSchema) return Text;
        var quoted = Quote(schema);
        return Text.Replace($"SCHEMA IF NOT EXISTS {WrittenSchema};", $"SCHEMA IF NOT EXISTS {quoted};", StringComparison.Ordinal)
            .Replace($"{WrittenSchema}.", $"{quoted}.", StringComparison.Ordinal);
    }

    private static string Quote(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
