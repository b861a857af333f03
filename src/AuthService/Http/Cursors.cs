using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using AuthService.Tokens;

namespace AuthService.Http;

/// <summary>Which way a page is read from its <see cref="Place"/>, and whether the entry there is on it. Stands in cursors: a value keeps its meaning.</summary>
internal enum Way : byte
{
    After = 0,
    Before = 1,

    /// <summary>The page that follows an empty one before.</summary>
    From = 2,

    /// <summary>The page that precedes an empty one behind.</summary>
    UpTo = 3,
}

/// <summary>Where in a list a page is: which way from what an entry is sorted by. The entry itself may be gone.</summary>
/// <param name="Key">What the list is sorted by, as PostgreSQL writes it.</param>
/// <param name="Tie">What tells entries with the same key apart; empty where there are none.</param>
internal readonly record struct Place(Way Way, string Key, string Tie)
{
    public bool GoesBack => Way is Way.Before or Way.UpTo;

    /// <summary>All that is on the other side.</summary>
    public Place Opposite => this with { Way = Way switch { Way.After => Way.UpTo, Way.UpTo => Way.After, Way.Before => Way.From, _ => Way.Before } };
}

/// <summary>
/// The place in a list where another of its pages is. Opaque to clients and authenticated together with the list, its order and its filters, so a
/// cursor works where it was made and nowhere else.
/// <para>base64url(tag 16 | way 1 | key UTF-8 | 0 | tie UTF-8); tag = HMAC-SHA-256(K, scope | 0 | way | key | 0 | tie), cut to 128 bits. PostgreSQL has no text
/// with a 0 in it.</para>
/// </summary>
internal sealed class Cursors(MasterKey masterKey)
{
    private const int TagLength = 16;
    private const int HeaderLength = TagLength + sizeof(Way);

    // The longest key is a snapshot, of 4,000 characters and an epoch (Events/EventIds.cs): 5,400 characters with what stands around them.
    private const int MaxTextLength = 6_144;

    private readonly byte[] _key = masterKey.Derive("cursor/2");   // another form, another key: an older cursor is none

    /// <param name="scope">Names the list, its order and its filters.</param>
    public string Make(string scope, Place place)
    {
        var bytes = new byte[HeaderLength + Encoding.UTF8.GetByteCount(place.Key) + 1 + Encoding.UTF8.GetByteCount(place.Tie)];
        bytes[TagLength] = (byte)place.Way;
        var end = HeaderLength + Encoding.UTF8.GetBytes(place.Key, bytes.AsSpan(HeaderLength));
        Encoding.UTF8.GetBytes(place.Tie, bytes.AsSpan(end + 1));
        Tag(scope, bytes.AsSpan(TagLength), bytes.AsSpan(0, TagLength));
        return Base64Url.EncodeToString(bytes);
    }

    public bool TryRead(string text, string scope, out Place place)
    {
        place = default;
        if (text.Length > MaxTextLength) return false;
        Span<byte> buffer = stackalloc byte[MaxTextLength];
        if (!Base64UrlText.TryDecode(text, buffer, out var length) || length <= HeaderLength) return false;
        var bytes = buffer[..length];
        Span<byte> tag = stackalloc byte[TagLength];
        Tag(scope, bytes[TagLength..], tag);
        if (!CryptographicOperations.FixedTimeEquals(tag, bytes[..TagLength])) return false;
        var content = bytes[HeaderLength..];
        var end = content.IndexOf((byte)0);
        place = new Place((Way)bytes[TagLength], Encoding.UTF8.GetString(content[..end]), Encoding.UTF8.GetString(content[(end + 1)..]));
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
