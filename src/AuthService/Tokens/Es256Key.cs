using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace AuthService.Tokens;

/// <summary>
/// A key pair for ES256 (RFC 7518, 3.4: ECDSA on P-256 with SHA-256), or the public half of one. Safe for use from several
/// threads: <see cref="ECDsa"/> is not documented to be, so each call takes an instance of its own from a small pool.
/// </summary>
internal sealed class Es256Key
{
    public const string Algorithm = "ES256";

    /// <summary>r and s of 32 bytes each.</summary>
    public const int SignatureLength = 64;

    private const DSASignatureFormat Format = DSASignatureFormat.IeeeP1363FixedFieldConcatenation;

    private readonly ECParameters _parameters;
    private readonly ECDsa?[] _pool = new ECDsa?[2 * Environment.ProcessorCount];

    private Es256Key(ECParameters parameters)
    {
        _parameters = parameters;
        (X, Y) = (Base64Url.EncodeToString(parameters.Q.X), Base64Url.EncodeToString(parameters.Q.Y));
        Kid = JwkThumbprint.Of(("crv", "P-256"), ("kty", "EC"), ("x", X), ("y", Y));
        HeaderSegment = Base64Url.EncodeToString(Encoding.ASCII.GetBytes($$"""{"alg":"ES256","kid":"{{Kid}}","typ":"at+jwt"}"""));
    }

    /// <summary>RFC 7638 thumbprint: 43 characters of base64url.</summary>
    public string Kid { get; }

    public string X { get; }
    public string Y { get; }

    /// <summary>First segment of every access token this key signs, letter for letter.</summary>
    public string HeaderSegment { get; }

    public static Es256Key Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new Es256Key(key.ExportParameters(includePrivateParameters: true));
    }

    /// <exception cref="CryptographicException">Not a P-256 key pair.</exception>
    public static Es256Key FromPkcs8(ReadOnlySpan<byte> pkcs8)
    {
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out var read);
        var parameters = key.ExportParameters(includePrivateParameters: true);
        if (read != pkcs8.Length || parameters.Curve.Oid.Value != ECCurve.NamedCurves.nistP256.Oid.Value)
        {
            throw new CryptographicException("Not a P-256 key pair.");
        }
        return new Es256Key(parameters);
    }

    /// <param name="x">32 bytes.</param>
    /// <param name="y">32 bytes.</param>
    public static Es256Key FromPublic(byte[] x, byte[] y) =>
        new(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } });

    /// <summary>The private key in PKCS #8. The caller zeroes it after use.</summary>
    public byte[] ExportPkcs8()
    {
        using var key = ECDsa.Create(_parameters);
        return key.ExportPkcs8PrivateKey();
    }

    /// <summary>Writes the public key as RFC 7517 has it: kty, crv, x, y, use, alg, kid and nothing private.</summary>
    public void WritePublicJwk(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("kty", "EC");
        json.WriteString("crv", "P-256");
        json.WriteString("x", X);
        json.WriteString("y", Y);
        json.WriteString("use", "sig");
        json.WriteString("alg", Algorithm);
        json.WriteString("kid", Kid);
        json.WriteEndObject();
    }

    /// <param name="signature">Gets <see cref="SignatureLength"/> bytes.</param>
    public void Sign(ReadOnlySpan<byte> data, Span<byte> signature)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, hash);
        var key = Rent();
        if (!key.TrySignHash(hash, signature, Format, out _)) throw new ArgumentException("Too short.", nameof(signature));
        Return(key);
    }

    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, hash);
        var key = Rent();
        var good = key.VerifyHash(hash, signature, Format);
        Return(key);
        return good;
    }

    private ECDsa Rent()
    {
        for (var i = 0; i < _pool.Length; i++)
        {
            if (_pool[i] is not null && Interlocked.Exchange(ref _pool[i], null) is { } key) return key;
        }
        return ECDsa.Create(_parameters);
    }

    private void Return(ECDsa key)
    {
        for (var i = 0; i < _pool.Length; i++)
        {
            if (_pool[i] is null && Interlocked.CompareExchange(ref _pool[i], key, null) is null) return;
        }
        key.Dispose();
    }
}
