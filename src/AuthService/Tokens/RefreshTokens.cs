using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace AuthService.Tokens;

/// <summary>
/// Makes and reads refresh tokens: <c>rt1_</c> and base64url of version (1 byte), session (16), generation (4, big-endian),
/// secret (32), tag (16); 96 characters. The tag is a MAC under a key of the server, so a forged token is refused without a
/// query and no one can name a session by guessing. The next secret follows from this one and another key of the server:
/// whoever repeats a rotation gets the same successor, and neither a copy of the database nor the key alone yields a token.
/// </summary>
internal sealed class RefreshTokens(MasterKey master)
{
    public const int TextLength = 96;

    private const string Prefix = "rt1_";
    private const byte Version = 1;
    private const int GenerationAt = 17;
    private const int SecretAt = 21;
    private const int TagAt = SecretAt + RefreshToken.SecretLength;
    private const int TagLength = 16;
    private const int Length = TagAt + TagLength;

    private readonly byte[] _tagKey = master.Derive("refresh-token/1/tag");
    private readonly byte[] _successorKey = master.Derive("refresh-token/1/successor");

    /// <summary>The first token of a session.</summary>
    public RefreshToken Create(Guid sessionId)
    {
        Span<byte> secret = stackalloc byte[RefreshToken.SecretLength];
        RandomNumberGenerator.Fill(secret);
        return new RefreshToken(sessionId, generation: 0, secret);
    }

    /// <summary>The token that replaces this one: the same, whenever and on whichever node it is asked for.</summary>
    /// <exception cref="OverflowException">After 2³¹ rotations.</exception>
    public RefreshToken Successor(in RefreshToken token)
    {
        var generation = checked(token.Generation + 1);
        Span<byte> input = stackalloc byte[16 + 4 + RefreshToken.SecretLength];
        token.SessionId.TryWriteBytes(input, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(input[16..], generation);
        token.Secret.CopyTo(input[20..]);
        Span<byte> secret = stackalloc byte[RefreshToken.SecretLength];
        HMACSHA256.HashData(_successorKey, input, secret);
        return new RefreshToken(token.SessionId, generation, secret);
    }

    /// <summary>What the database keeps of a token: SHA-256 of its secret. 256 random bits need no slow hash.</summary>
    public byte[] HashOf(in RefreshToken token) => SHA256.HashData(token.Secret);

    /// <summary>The text the client gets: 96 characters, safe in URLs, cookies and JSON.</summary>
    public string ToText(in RefreshToken token)
    {
        Span<byte> bytes = stackalloc byte[Length];
        bytes[0] = Version;
        token.SessionId.TryWriteBytes(bytes[1..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(bytes[GenerationAt..], token.Generation);
        token.Secret.CopyTo(bytes[SecretAt..]);
        WriteTag(bytes[..TagAt], bytes[TagAt..]);

        Span<char> text = stackalloc char[TextLength];
        Prefix.CopyTo(text);
        Base64Url.EncodeToChars(bytes, text[Prefix.Length..]);
        return new string(text);
    }

    /// <summary>Reads a token that this service made. Says nothing about whether its session still lives.</summary>
    /// <returns>False for anything else, down to a single bit; costs one MAC at most.</returns>
    public bool TryRead([NotNullWhen(true)] string? text, out RefreshToken token)
    {
        token = default;
        if (text is not { Length: TextLength } || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        Span<byte> bytes = stackalloc byte[Length];
        if (!Base64UrlText.TryDecode(text.AsSpan(Prefix.Length), bytes, out _)) return false;

        Span<byte> tag = stackalloc byte[TagLength];
        WriteTag(bytes[..TagAt], tag);
        if (!CryptographicOperations.FixedTimeEquals(tag, bytes[TagAt..])) return false;

        var generation = BinaryPrimitives.ReadInt32BigEndian(bytes[GenerationAt..]);
        if (bytes[0] != Version || generation < 0) return false;
        token = new RefreshToken(new Guid(bytes[1..GenerationAt], bigEndian: true), generation, bytes[SecretAt..TagAt]);
        return true;
    }

    private void WriteTag(ReadOnlySpan<byte> input, Span<byte> tag)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_tagKey, input, mac);
        mac[..TagLength].CopyTo(tag);
    }
}
