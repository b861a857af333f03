using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AuthService.Http;

/// <summary>
/// What a client sent, as it may stand in a log: one line of ASCII, bounded, and without secrets. Those are known by the names they come under, wherever they
/// stand, and by their own form where they come under another.
/// </summary>
internal static class ClientText
{
    /// <summary>In the place of a secret.</summary>
    public const string Hidden = "***";

    /// <summary>Where a text is longer than what is shown of it, or goes on in a form that can't be read.</summary>
    public const string CutOff = "...";

    private const int LongestPart = 256;

    // Of a name without its separators: access_token, X-API-Key, passwordHash.
    private static readonly string[] PartsOfSecretNames = ["password", "passwd", "pwd", "secret", "token", "cookie", "authorization", "credential", "hash", "apikey", "privatekey", "signature"];
    private static readonly string[] SecretNames = ["key", "otp", "pin", "jwt", "bearer", "value"];   // value: that of a setting, which may be anything

    // Of this service's tokens and keys, and of hashes.
    private static readonly string[] SecretBeginnings = ["rt1_", "ak_", "$", "{PBKDF2", "Bearer ", "Basic "];

    /// <summary>A path, percent-encoded as in a URL.</summary>
    public static string Path(PathString path)
    {
        var text = path.HasValue ? path.ToUriComponent() : "";
        if (path.HasValue && path.Value.Split('/').Any(LooksSecret)) text = string.Join('/', path.Value.Split('/').Select(s => LooksSecret(s) ? Hidden : Uri.EscapeDataString(s)));
        return Bounded(Ascii(text));
    }

    /// <param name="query">As it came, with its question mark.</param>
    public static string Query(string? query)
    {
        if (string.IsNullOrEmpty(query)) return "";
        var shown = new StringBuilder(query.Length);
        foreach (var pair in query.AsSpan(1).ToString().Split('&'))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = equals < 0 ? (pair, "") : (pair[..equals], pair[(equals + 1)..]);
            shown.Append(shown.Length == 0 ? '?' : '&');
            // Without a name, a text that looks like nothing else is a value all the same.
            if (LooksSecret(Unescaped(name))) shown.Append(Hidden);
            else if (IsSecretName(Unescaped(name)) || LooksSecret(Unescaped(value))) shown.Append(name).Append('=').Append(Hidden);
            else shown.Append(pair);
            if (shown.Length > LongestPart) break;
        }

        return Bounded(Ascii(shown.ToString()));
    }

    /// <summary>
    /// What can be read of a JSON text, written anew. Nothing of it is copied: what can't be read, or was cut off half-way, is not there, since it might be half of a secret.
    /// </summary>
    /// <param name="isWhole">False: <paramref name="json"/> is the beginning of a longer text.</param>
    public static string Json(ReadOnlySpan<byte> json, bool isWhole)
    {
        using var shown = new MemoryStream(json.Length + 16);
        // The default encoder: nothing but ASCII comes out, and no control character.
        using var writer = new Utf8JsonWriter(shown, new JsonWriterOptions { SkipValidation = true });
        var reader = new Utf8JsonReader(json, isWhole, new JsonReaderState(new JsonReaderOptions { MaxDepth = 128 }));
        var isComplete = false;
        try
        {
            while (reader.Read() && Copy(ref reader, writer))
            {
            }

            isComplete = isWhole && reader.BytesConsumed == json.Length;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON from here on, or a text that is no Unicode.
        }

        writer.Flush();
        return Encoding.ASCII.GetString(shown.GetBuffer(), 0, (int)shown.Length) + (isComplete ? "" : CutOff);
    }

    /// <returns>False: here the text was cut off.</returns>
    private static bool Copy(ref Utf8JsonReader reader, Utf8JsonWriter writer)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject: writer.WriteStartObject(); break;
            case JsonTokenType.EndObject: writer.WriteEndObject(); break;
            case JsonTokenType.StartArray: writer.WriteStartArray(); break;
            case JsonTokenType.EndArray: writer.WriteEndArray(); break;
            case JsonTokenType.True or JsonTokenType.False: writer.WriteBooleanValue(reader.GetBoolean()); break;
            case JsonTokenType.Null: writer.WriteNullValue(); break;
            case JsonTokenType.Number: writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true); break;
            case JsonTokenType.String:
                // A body that is nothing but a text has no name to know it by.
                var text = reader.GetString()!;
                writer.WriteStringValue(reader.CurrentDepth == 0 || LooksSecret(text) ? Hidden : text);
                break;
            case JsonTokenType.PropertyName:
                var name = reader.GetString()!;
                writer.WritePropertyName(LooksSecret(name) ? Hidden : name);
                if (!IsSecretName(name)) break;
                writer.WriteStringValue(Hidden);
                return reader.Read() && reader.TrySkip();
            default: return false;
        }

        return true;
    }

    public static bool IsSecretName(string name)
    {
        var plain = string.Concat(name.Where(char.IsLetterOrDigit)).ToUpperInvariant();
        return SecretNames.Any(n => plain.Equals(n, StringComparison.OrdinalIgnoreCase)) || PartsOfSecretNames.Any(p => plain.Contains(p, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>A token, key or hash by its form, whatever it is called.</summary>
    private static bool LooksSecret(string text) =>
        text.Contains("eyJ", StringComparison.Ordinal) || SecretBeginnings.Any(b => text.StartsWith(b, StringComparison.OrdinalIgnoreCase));

    private static string Unescaped(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private static string Bounded(string text) => text.Length <= LongestPart ? text : text[..LongestPart] + CutOff;

    private static string Ascii(string text) => text.All(IsPlain) ? text
        : string.Concat(text.Select(c => IsPlain(c) ? c.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")));

    private static bool IsPlain(char c) => c is >= ' ' and <= '~';
}
