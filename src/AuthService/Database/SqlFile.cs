using System.Buffers;
using System.Text;
using Npgsql;

namespace AuthService.Database;

/// <summary>One SQL statement, kept in a .sql file beside the type that runs it and embedded in the assembly.</summary>
internal sealed record SqlFile(string Name, string Text)
{
    public static SqlFile Beside<TCaller>(string statement)
    {
        var folder = typeof(TCaller).Namespace!["AuthService.".Length..].Replace('.', '/');
        return Read($"{folder}/{typeof(TCaller).Name}.{statement}.sql");
    }

    /// <param name="name">Path below <c>src/AuthService</c>, with forward slashes.</param>
    public static SqlFile Read(string name)
    {
        using var stream = typeof(SqlFile).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"No embedded SQL file '{name}'.");
        using var reader = new StreamReader(stream);
        return new SqlFile(name, reader.ReadToEnd());
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

    public NpgsqlCommand On(NpgsqlDataSource db) => db.CreateCommand(Text);

    public NpgsqlCommand On(NpgsqlTransaction transaction) => new(Text, transaction.Connection, transaction);

    public NpgsqlCommand On(NpgsqlConnection connection) => new(Text, connection);

    /// <summary>Adds the statement to a batch: one round trip, and without an explicit transaction also one transaction.</summary>
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
    public static NpgsqlCommand With<T>(this NpgsqlCommand command, T value)
    {
        Check(value);
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    /// <inheritdoc cref="With{T}(NpgsqlCommand, T)"/>
    public static NpgsqlBatchCommand With<T>(this NpgsqlBatchCommand command, T value)
    {
        Check(value);
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    // Here and not left to the server: its refusal comes while a statement is bound, and where that is the use in which Npgsql prepares
    // it (10.0.0), the next use on the same connection, somebody else's, fails with "unexpected backend message".
    private static void Check<T>(T value)
    {
        if (value is string text && !TextNotStorableException.IsStorable(text)) throw new TextNotStorableException();
    }
}

/// <summary>A text holds U+0000, which PostgreSQL does not store, or half a surrogate pair, which is no text. Only a request can bring one.</summary>
internal sealed class TextNotStorableException() : Exception("A text holds U+0000 or half a surrogate pair.")
{
    public static bool IsStorable(ReadOnlySpan<char> text)
    {
        if (text.Contains('\0')) return false;
        for (var at = text.IndexOfAnyInRange('\ud800', '\udfff'); at >= 0;)
        {
            if (Rune.DecodeFromUtf16(text[at..], out _, out var length) != OperationStatus.Done) return false;
            text = text[(at + length)..];
            at = text.IndexOfAnyInRange('\ud800', '\udfff');
        }

        return true;
    }
}
