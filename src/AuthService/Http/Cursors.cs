using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using AuthService.Tokens;

namespace AuthService.Http;

/// <summary>
/// The place in a list where its next page begins: the sort key and the id of the last entry. Opaque to clients and
/// authenticated together with the list, its order and its filters, so a cursor works where it was made and nowhere else.
/// <para>base64url(tag 16 | id 8 big-endian | key UTF-8); tag = HMAC-SHA-256(K, scope | 0 | id | key), cut to 128 bits.</para>
/// </summary>
internal sealed class Cursors(MasterKey masterKey)
{
    private const int TagLength = 16;
    private const int HeaderLength = TagLength + sizeof(long);

    // The longest key is an address: 254 characters of three bytes each make 1,048 characters with what comes before them.
    private const int MaxTextLength = 2048;

    private readonly byte[] _key = masterKey.Derive("cursor/1");

    /// <param name="scope">Names the list, its order and its filters.</param>
    public string Make(string scope, string key, long id)
    {
        var bytes = new byte[HeaderLength + Encoding.UTF8.GetByteCount(key)];
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(TagLength), id);
        Encoding.UTF8.GetBytes(key, bytes.AsSpan(HeaderLength));
        Tag(scope, bytes.AsSpan(TagLength), bytes.AsSpan(0, TagLength));
        return Base64Url.EncodeToString(bytes);
    }

    public bool TryRead(string text, string scope, [NotNullWhen(true)] out string? key, out long id)
    {
        (key, id) = (null, 0);
        if (text.Length > MaxTextLength) return false;
        Span<byte> buffer = stackalloc byte[MaxTextLength];
        if (!Base64UrlText.TryDecode(text, buffer, out var length) || length < HeaderLength) return false;
        var bytes = buffer[..length];
        Span<byte> tag = stackalloc byte[TagLength];
        Tag(scope, bytes[TagLength..], tag);
        if (!CryptographicOperations.FixedTimeEquals(tag, bytes[..TagLength])) return false;
        id = BinaryPrimitives.ReadInt64BigEndian(bytes[TagLength..]);
        key = Encoding.UTF8.GetString(bytes[HeaderLength..]);
        return true;
    }

    private void Tag(string scope, ReadOnlySpan<byte> content, Span<byte> tag)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        mac.AppendData(Encoding.UTF8.GetBytes(scope));
        mac.AppendData([0]);
        mac.AppendData(content);
        Span<byte> full = stackalloc byte[HMACSHA256.HashSizeInBytes];
        mac.GetHashAndReset(full);
        full[..TagLength].CopyTo(tag);
    }
}
