using System.Buffers.Text;
using System.Text;
using AuthService.Tokens;

namespace UnitTests.Tokens;

/// <summary>Keys in memory, and tokens that the service itself would never write.</summary>
internal static class TestKeys
{
    // RFC 7515, A.3.1.
    public const string Rfc7515X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    public const string Rfc7515Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    public const string Rfc7515D = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";

    public static SigningKey Active(Es256Key key) => new(key, SigningKeyState.Active, DateTimeOffset.UnixEpoch);

    public static SigningKey Next(Es256Key key) => new(key, SigningKeyState.Next, null);

    public static SigningKey Retiring(Es256Key key) => new(key, SigningKeyState.Retiring, DateTimeOffset.UnixEpoch.AddDays(-1));

    public static async Task<SigningKeyRing> RingAsync(TimeProvider clock, params SigningKey[] keys)
    {
        var ring = new SigningKeyRing(_ => Task.FromResult<IReadOnlyList<SigningKey>>(keys), clock);
        await ring.ReloadAsync(CancellationToken.None);
        return ring;
    }

    /// <summary>A correctly signed token with any header and payload.</summary>
    public static string Forge(Es256Key key, string headerJson, string payloadJson) =>
        SignSegments(key, Encode(headerJson), Encode(payloadJson));

    public static string SignSegments(Es256Key key, string header, string payload)
    {
        var signature = new byte[Es256Key.SignatureLength];
        key.Sign(Encoding.UTF8.GetBytes($"{header}.{payload}"), signature);
        return $"{header}.{payload}.{Base64Url.EncodeToString(signature)}";
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public static string Decode(string segment) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(segment));
}
