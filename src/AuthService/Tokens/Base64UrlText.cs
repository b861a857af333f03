using System.Buffers;
using System.Buffers.Text;

namespace AuthService.Tokens;

/// <summary>
/// base64url (RFC 4648, 5) with exactly one text per value: no padding, no white space, no bits left over in the last
/// character. The framework's decoder takes the first two, so a token could be written in several ways.
/// </summary>
internal static class Base64UrlText
{
    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    public static int DecodedLength(int characters) => characters / 4 * 3 + Math.Max(0, characters % 4 - 1);

    /// <param name="destination">At least <see cref="DecodedLength"/> bytes.</param>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination, out int written)
    {
        written = 0;
        if (text.Length % 4 == 1 || text.ContainsAnyExcept(Alphabet)) return false;
        return Base64Url.DecodeFromChars(text, destination, out _, out written) == OperationStatus.Done
            && HasNoSpareBits(text);
    }

    // The framework refuses these today, which its documentation doesn't promise.
    private static bool HasNoSpareBits(ReadOnlySpan<char> text) => (text.Length % 4) switch
    {
        2 => text[^1] is 'A' or 'Q' or 'g' or 'w',
        3 => "AEIMQUYcgkosw048".Contains(text[^1], StringComparison.Ordinal),
        _ => true,
    };
}
