using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AuthService.Tokens;

namespace UnitTests.Tokens;

public class RfcExamplesTests
{
    [Fact]
    public void RFC_7638_section_3_1_thumbprint_of_an_RSA_key() => Assert.Equal(
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        JwkThumbprint.Of(
            ("e", "AQAB"),
            ("kty", "RSA"),
            ("n", "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64t" +
                  "Z_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO" +
                  "pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")));

    [Fact]
    public void Thumbprint_members_must_be_in_order() =>
        Assert.Throws<ArgumentException>(() => JwkThumbprint.Of(("kty", "EC"), ("crv", "P-256")));

    // A.3.1: the header, the payload, and a signature made elsewhere.
    [Theory]
    [InlineData("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", true)]
    [InlineData("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1g", false)]
    public void RFC_7515_appendix_A_3_signature_verifies(string signature, bool expected)
    {
        const string Signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        var key = Es256Key.FromPublic(Base64Url.DecodeFromChars(TestKeys.Rfc7515X), Base64Url.DecodeFromChars(TestKeys.Rfc7515Y));
        Assert.Equal(expected, key.Verify(Encoding.ASCII.GetBytes(Signed), Base64Url.DecodeFromChars(signature)));
    }

    [Fact]
    public void RFC_7515_appendix_A_3_private_key_signs_what_its_public_half_verifies()
    {
        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            D = Base64Url.DecodeFromChars(TestKeys.Rfc7515D),
            Q = new ECPoint { X = Base64Url.DecodeFromChars(TestKeys.Rfc7515X), Y = Base64Url.DecodeFromChars(TestKeys.Rfc7515Y) },
        });
        var pair = Es256Key.FromPkcs8(ecdsa.ExportPkcs8PrivateKey());
        var publicHalf = Es256Key.FromPublic(Base64Url.DecodeFromChars(TestKeys.Rfc7515X), Base64Url.DecodeFromChars(TestKeys.Rfc7515Y));
        var signature = new byte[Es256Key.SignatureLength];
        pair.Sign("anything"u8, signature);

        Assert.True(publicHalf.Verify("anything"u8, signature));
        Assert.False(publicHalf.Verify("anythinG"u8, signature));
        Assert.Equal(publicHalf.Kid, pair.Kid);
    }

    // A.1: the example's members, and those alone.
    [Fact]
    public void RFC_7517_appendix_A_1_key_is_written_as_it_stands_there()
    {
        const string X = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", Y = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";
        var key = Es256Key.FromPublic(Base64Url.DecodeFromChars(X), Base64Url.DecodeFromChars(Y));
        using var json = JsonDocument.Parse(new SigningKeySnapshot([TestKeys.Active(key)]).Jwks);
        var jwk = Assert.Single(json.RootElement.GetProperty("keys").EnumerateArray());

        Assert.Equal(
            new Dictionary<string, string?>
            {
                ["kty"] = "EC",
                ["crv"] = "P-256",
                ["x"] = X,
                ["y"] = Y,
                ["use"] = "sig",
                ["alg"] = "ES256",
                ["kid"] = key.Kid,
            },
            jwk.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetString(), StringComparer.Ordinal));
    }
}
