using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace SolidCache;

/// <summary>
/// The number that stands for a tag or key in the tables: the first 8 bytes of its SHA-256, big-endian. The function
/// <c>solid_cache_tag</c> of the schema gives the same.
/// </summary>
internal static class TagHash
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Texts come again and again, and a hash costs ten times a look-up. Direct-mapped: a slot holds whoever came last. Wrong answers
    // can't be: the text is compared. 8,192 slots of short texts are a few hundred kilobytes.
    private const int Slots = 8192;
    private const int LongestKept = 128;
    private static readonly Slot?[] Kept = new Slot?[Slots];

    /// <exception cref="ArgumentException">Not Unicode: a lone surrogate.</exception>
    public static long Of(string text)
    {
        if (text.Length > LongestKept) return Compute(text);
        ref var slot = ref Kept[text.GetHashCode(StringComparison.Ordinal) & (Slots - 1)];
        var kept = Volatile.Read(ref slot);
        if (kept is not null && kept.Text == text) return kept.Hash;
        var hash = Compute(text);
        Volatile.Write(ref slot, new Slot(text, hash));
        return hash;
    }

    /// <summary>Length in UTF-8.</summary>
    /// <exception cref="ArgumentException">Not Unicode.</exception>
    public static int CountBytes(string text, string parameter)
    {
        try
        {
            return Utf8.GetByteCount(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException("The text has a lone surrogate, so it is not Unicode.", parameter, e);
        }
    }

    private static long Compute(string text)
    {
        Span<byte> utf8 = stackalloc byte[text.Length <= 256 ? 768 : 0];
        if (text.Length > 256) utf8 = new byte[Utf8.GetMaxByteCount(text.Length)];
        var length = Utf8.GetBytes(text, utf8);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(utf8[..length], digest);
        return BinaryPrimitives.ReadInt64BigEndian(digest);
    }

    private sealed record Slot(string Text, long Hash);
}
