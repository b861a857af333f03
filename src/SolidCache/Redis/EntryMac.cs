using System.Security.Cryptography;
using System.Text;

namespace SolidCache.Redis;

/// <summary>
/// 128 bits of HMAC-SHA-256 over where something stands and what it says: whoever can write to Redis can't make an entry of his own, change one of
/// ours, or put it under another key.
/// </summary>
internal static class EntryMac
{
    public const int Length = 16;

    private const int LongestOnStack = 1024;

    /// <param name="secret">At least 32 bytes.</param>
    /// <param name="place">The key it stands under, or the channel it comes by.</param>
    /// <param name="content">Everything but the MAC.</param>
    /// <param name="mac">16 bytes.</param>
    public static void Write(byte[] secret, string place, ReadOnlySpan<byte> content, Span<byte> mac)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        var length = Encoding.UTF8.GetByteCount(place);
        Span<byte> name = length <= LongestOnStack ? stackalloc byte[length] : new byte[length];
        Encoding.UTF8.GetBytes(place, name);
        Span<byte> border = stackalloc byte[sizeof(int)];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(border, length);
        hash.AppendData(border);
        hash.AppendData(name);
        hash.AppendData(content);
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(whole);
        whole[..Length].CopyTo(mac);
    }

    public static bool IsRight(byte[] secret, string place, ReadOnlySpan<byte> content, ReadOnlySpan<byte> mac)
    {
        Span<byte> right = stackalloc byte[Length];
        Write(secret, place, content, right);
        return CryptographicOperations.FixedTimeEquals(right, mac);
    }
}
