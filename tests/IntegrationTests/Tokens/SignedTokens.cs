using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using AuthService.Tokens;

namespace IntegrationTests.Tokens;

/// <summary>Tokens that the service itself would never write, made from one that it did.</summary>
internal static class SignedTokens
{
    /// <summary>The key a node signs with now.</summary>
    public static Es256Key SigningKey(this Node node) => node.Services.GetRequiredService<SigningKeyRing>().Current.Active.Key;

    public static JsonObject Header(string token) => JsonNode.Parse(Decode(token.Split('.')[0]))!.AsObject();

    public static JsonObject Claims(string token) => JsonNode.Parse(Decode(token.Split('.')[1]))!.AsObject();

    /// <summary>A signature of this key over segments of the caller's making.</summary>
    public static string Sign(this Es256Key key, string header, string payload)
    {
        var signature = new byte[Es256Key.SignatureLength];
        key.Sign(Encoding.UTF8.GetBytes($"{header}.{payload}"), signature);
        return $"{header}.{payload}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>The header this key's tokens have, and the claims of <paramref name="token"/> after a change.</summary>
    public static string WithClaims(this Es256Key key, string token, Action<JsonObject> change)
    {
        var claims = Claims(token);
        change(claims);
        return key.Sign(key.HeaderSegment, Encode(claims.ToJsonString()));
    }

    /// <summary>The claims of <paramref name="token"/>, correctly signed under a header of the caller's making.</summary>
    public static string WithHeader(this Es256Key key, string token, string headerJson) => key.Sign(Encode(headerJson), token.Split('.')[1]);

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public static string Decode(string segment) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(segment));
}
