using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using SolidCache;
using SolidCache.Lanes;

namespace KestrelLimit;

/// <summary>
/// One batched round trip to PostgreSQL and one signature. Of the token only the session's id is read; it is not verified, and handed back as it came, so that
/// it can be presented again.
/// </summary>
internal sealed class Refresh(LaneSet lanes)
{
    // Where things are in a token of the service (RefreshTokens.cs).
    private const int TextLength = 96, PrefixLength = 4, Length = 69, SessionAt = 1, SecretAt = 21, SecretLength = 32;

    private const int SignatureLength = 64;

    // As the service answers an account of the demonstration data.
    private static readonly string[] Roles = ["role1", "role26"];
    private static readonly string[] Permissions = ["res12:read", "res15:write", "res18:write", "res21:admin", "res24:admin", "res2:delete", "res5:delete", "res9:read"];

    private const string Header = """{"alg":"ES256","kid":"8RtlJo-2mCS23uwc228I7pEt4LXA8RbtzDI9gJ27Z2A","typ":"at+jwt"}""";
    private const string Payload = """
        {"iss":"http://127.0.0.1:8080","sub":"500","aud":"authservice","client_id":"authservice","exp":1795944901,"iat":1795944001,"jti":"EOZuCLBtwoo7WgC2LMFhkw",
        "sid":"01a2269a-ac9d-706f-b645-d9c3a8178dd8","auth_time":1795944000,"amr":["pwd"],"acr":"aal1","ver":1,"roles":["role1","role26"],
        "permissions":["res12:read","res15:write","res18:write","res21:admin","res24:admin","res2:delete","res5:delete","res9:read"]}
        """;

    private static readonly string Signed = Base64Url.EncodeToString(Encoding.ASCII.GetBytes(Header)) + "." + Base64Url.EncodeToString(Encoding.ASCII.GetBytes(Payload.ReplaceLineEndings("")));
    private static readonly byte[] SignedBytes = Encoding.ASCII.GetBytes(Signed);

    // ECDsa is not documented to be safe for use from several threads.
    [ThreadStatic]
    private static ECDsa? _key;

    private readonly BatchedCall<Rotation, bool> _rotate = lanes.Add(new Rotate());

    /// <param name="database">Npgsql's connection string of the service's database.</param>
    public static Refresh On(string database)
    {
        // Beside the host's services: of the cache only the lanes are wanted, not the loops that would make this program one of the service's nodes.
        var cache = new ServiceCollection().AddSolidCache(options => (options.ConnectionString, options.Lanes) = (database, 1));   // one lane: docs/decisions/0017
        return new Refresh(cache.BuildServiceProvider().GetRequiredService<LaneSet>());
    }

    public async Task AnswerAsync(HttpContext context)
    {
        var question = await Wire.ReadAsync(context.Request, WireJson.Default.RefreshQuestion);
        if (question?.RefreshToken is not { } token || RotationOf(token) is not { } rotation || !await _rotate.ExecuteAsync(rotation))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        await Wire.WriteAsync(context.Response, new RefreshAnswer(AccessToken(), token, "Bearer", ExpiresIn: 900, Roles, Permissions), WireJson.Default.RefreshAnswer);
    }

    private static Rotation? RotationOf(string token)
    {
        Span<byte> bytes = stackalloc byte[Length];
        if (token.Length != TextLength || !Base64Url.TryDecodeFromChars(token.AsSpan(PrefixLength), bytes, out var length) || length != Length) return null;
        return new Rotation(new Guid(bytes.Slice(SessionAt, 16), bigEndian: true), bytes.Slice(SecretAt, SecretLength).ToArray());
    }

    private static string AccessToken()
    {
        _key ??= ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Span<byte> signature = stackalloc byte[SignatureLength];
        _key.SignData(SignedBytes, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return Signed + "." + Base64Url.EncodeToString(signature);
    }
}
