using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace AuthService.Tokens;

/// <summary>RFC 7638: a name for a public key that anyone can compute from the key.</summary>
internal static class JwkThumbprint
{
    /// <summary>base64url of SHA-256 over the key's required members as JSON without white space: 43 characters.</summary>
    /// <param name="members">Those members and no others, in ordinal order of their names. EC: crv, kty, x, y. RSA: e, kty, n.</param>
    public static string Of(params ReadOnlySpan<(string Name, string Value)> members)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            for (var i = 0; i < members.Length; i++)
            {
                if (i > 0 && string.CompareOrdinal(members[i - 1].Name, members[i].Name) >= 0)
                {
                    throw new ArgumentException("Members must be unique and in ordinal order.", nameof(members));
                }
                writer.WriteString(members[i].Name, members[i].Value);
            }
            writer.WriteEndObject();
        }
        return Base64Url.EncodeToString(SHA256.HashData(json.GetBuffer().AsSpan(0, (int)json.Length)));
    }
}
