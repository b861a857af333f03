using System.Text;

namespace SolidCache;

/// <summary>
/// A key as it is stored, and its hash. Keys of <c>IDistributedCache</c> carry a mark, so that they never meet those of
/// <c>HybridCache</c>.
/// </summary>
internal readonly record struct CacheKey(string Text, long Hash)
{
    /// <summary>Longest key, in UTF-8 bytes.</summary>
    public const int MaxBytes = 1024;

    // PostgreSQL's text has no U+0000, so it is written as two characters, and so is the character that says so.
    private const char Escape = '\u0001';
    private const string DistributedMark = "\u0001d";

    /// <exception cref="ArgumentException">Empty, longer than 1,024 UTF-8 bytes, or not Unicode.</exception>
    public static CacheKey Hybrid(string key) => Of(Escaped(key));

    /// <inheritdoc cref="Hybrid"/>
    public static CacheKey Distributed(string key) => Of(DistributedMark + Escaped(key));

    /// <exception cref="ArgumentException">Empty, longer than 1,024 UTF-8 bytes, or not Unicode.</exception>
    public static void Check(string key, string parameter = "key")
    {
        ArgumentNullException.ThrowIfNull(key, parameter);
        if (key.Length == 0) throw new ArgumentException("A key or tag has at least one character.", parameter);
        if (key.Length > MaxBytes || TagHash.CountBytes(key, parameter) > MaxBytes)
            throw new ArgumentException($"A key or tag has at most {MaxBytes} bytes in UTF-8.", parameter);
    }

    /// <summary>As stored.</summary>
    /// <exception cref="ArgumentException">Empty, longer than 1,024 UTF-8 bytes, or not Unicode.</exception>
    public static string Escaped(string key)
    {
        Check(key);
        if (key.AsSpan().IndexOfAnyInRange('\0', Escape) < 0) return key;
        var escaped = new StringBuilder(key.Length + 8);
        foreach (var character in key)
        {
            if (character <= Escape) escaped.Append(Escape).Append((char)('0' + character));
            else escaped.Append(character);
        }

        return escaped.ToString();
    }

    /// <summary>The key of a stored text that <see cref="Escaped"/> has made.</summary>
    public static string Unescaped(string text) =>
        text.Contains(Escape, StringComparison.Ordinal) ? text.Replace("\u00010", "\0", StringComparison.Ordinal).Replace("\u00011", "\u0001", StringComparison.Ordinal) : text;

    private static CacheKey Of(string text) => new(text, TagHash.Of(text));
}
