using System.Buffers;
using System.Text;

namespace AuthService.Database;

/// <summary>
/// A text holds U+0000, which PostgreSQL does not store, or half a surrogate pair, which is no text. Only a request can bring one. Told
/// before anything is sent: the server's own refusal would look like a database that can't be used.
/// </summary>
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
