using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AuthService.Tokens;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Tokens;

public sealed class AccessTokensTests : IAsyncLifetime
{
    private static readonly Es256Key Key = Es256Key.Create();
    private static readonly Es256Key NextKey = Es256Key.Create();
    private static readonly Es256Key OldKey = Es256Key.Create();
    private static readonly Es256Key Stranger = Es256Key.Create();
    private static readonly Guid Session = Guid.Parse("018f3a52-0000-7000-8000-000000000001");

    private readonly ManualClock _clock = new();
    private readonly TokenOptions _options = new();
    private SigningKeyRing _ring = null!;
    private AccessTokens _tokens = null!;

    public async Task InitializeAsync()
    {
        _ring = await TestKeys.RingAsync(_clock, TestKeys.Active(Key), TestKeys.Next(NextKey), TestKeys.Retiring(OldKey));
        _tokens = new AccessTokens(_ring, _options, _clock);
    }

    public Task DisposeAsync()
    {
        _ring.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public void A_token_says_what_RFC_9068_asks_for_and_who_holds_it()
    {
        var token = _tokens.Issue(Subject());
        var segments = token.Split('.');
        Assert.Equal($$"""{"alg":"ES256","kid":"{{Key.Kid}}","typ":"at+jwt"}""", TestKeys.Decode(segments[0]));

        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        var payload = JsonNode.Parse(TestKeys.Decode(segments[1]))!.AsObject();
        var jti = (string?)payload["jti"];
        Assert.Equal(16, Base64Url.DecodeFromChars(jti).Length);
        Assert.True(JsonNode.DeepEquals(payload, JsonNode.Parse($$"""
            {
              "iss": "http://127.0.0.1:8080", "sub": "42", "aud": "authservice", "client_id": "authservice",
              "exp": {{now + 900}}, "iat": {{now}}, "jti": "{{jti}}", "sid": "{{Session}}", "auth_time": {{now - 60}},
              "amr": ["pwd"], "acr": "aal1", "ver": 1, "roles": ["user", "Größe"], "permissions": ["a:b", "c:d"]
            }
            """)), payload.ToJsonString());

        Assert.NotEqual(token, _tokens.Issue(Subject()));
    }

    [Fact]
    public void A_token_is_read_as_it_was_issued()
    {
        var claims = _tokens.Verify(_tokens.Issue(Subject()));
        Assert.NotNull(claims);
        Assert.Equal((42, Session, Key.Kid), (claims.UserId, claims.SessionId, claims.Kid));
        Assert.Equal(_clock.GetUtcNow().AddSeconds(-60), claims.AuthTime);
        Assert.Equal(_clock.GetUtcNow().AddMinutes(15), claims.ExpiresAt);
        Assert.Equal(22, claims.Jti.Length);
    }

    [Fact]
    public void Tokens_under_every_key_in_use_verify()
    {
        foreach (var key in new[] { Key, NextKey, OldKey })
        {
            Assert.Equal(key.Kid, _tokens.Verify(Under(key))?.Kid);
        }
        Assert.Null(_tokens.Verify(Under(Stranger)));
    }

    // T04. Make the comparison "greater than" and this fails by the second.
    [Theory]
    [InlineData(899.999, true)]
    [InlineData(900, false)]
    [InlineData(100_000, false)]
    public async Task A_token_dies_in_the_second_it_names(double secondsLater, bool expected)
    {
        var token = _tokens.Issue(Subject());
        _clock.Advance(TimeSpan.FromSeconds(secondsLater));
        await _ring.ReloadAsync(CancellationToken.None);
        Assert.Equal(expected, _tokens.Verify(token) is not null);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(-1, true)]
    [InlineData(1, false)]
    public void A_token_is_not_good_before_the_second_it_names(int nbf, bool expected) =>
        Assert.Equal(expected, _tokens.Verify(WithPayload(p => p["nbf"] = Now + nbf)) is not null);

    // T01. A library that does what the header says falls for these; here they are not headers of ours. Decode the header and
    // obey "alg" instead of looking the segment up, and they pass.
    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    public void Tokens_without_a_signature_are_refused(string algorithm)
    {
        var payload = _tokens.Issue(Subject()).Split('.')[1];
        var header = TestKeys.Encode($$"""{"alg":"{{algorithm}}","kid":"{{Key.Kid}}","typ":"at+jwt"}""");
        Assert.Null(_tokens.Verify($"{header}.{payload}."));
        Assert.Null(_tokens.Verify($"{header}.{payload}"));
        Assert.Null(_tokens.Verify($"{Key.HeaderSegment}.{payload}."));
        Assert.Null(_tokens.Verify($"{header}.{payload}.{new string('A', 86)}"));
        Assert.Null(_tokens.Verify($"{Key.HeaderSegment}.{payload}.{new string('A', 86)}"));   // r = s = 0, CVE-2022-21449
    }

    // T01
    [Fact]
    public void Tokens_signed_with_the_public_key_as_a_password_are_refused()
    {
        var payload = _tokens.Issue(Subject()).Split('.')[1];
        using var publicKey = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Base64Url.DecodeFromChars(Key.X), Y = Base64Url.DecodeFromChars(Key.Y) },
        });
        foreach (var password in new[] { publicKey.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(publicKey.ExportSubjectPublicKeyInfoPem()), _ring.Current.Jwks.ToArray() })
        {
            foreach (var algorithm in new[] { "HS256", "HS512", "ES256" })
            {
                var header = TestKeys.Encode($$"""{"alg":"{{algorithm}}","kid":"{{Key.Kid}}","typ":"at+jwt"}""");
                var signed = Encoding.ASCII.GetBytes($"{header}.{payload}");
                Assert.Null(_tokens.Verify($"{header}.{payload}.{Base64Url.EncodeToString(HMACSHA256.HashData(password, signed))}"));
                Assert.Null(_tokens.Verify($"{header}.{payload}.{Base64Url.EncodeToString(HMACSHA512.HashData(password, signed))}"));
            }
        }
    }

    // T01. Find the key by anything but the header, or try them all, and this fails.
    [Fact]
    public void Tokens_that_name_another_key_than_the_one_that_signed_are_refused()
    {
        var payload = _tokens.Issue(Subject()).Split('.')[1];
        Assert.Null(_tokens.Verify(TestKeys.SignSegments(Stranger, Key.HeaderSegment, payload)));
        Assert.Null(_tokens.Verify(TestKeys.SignSegments(NextKey, Key.HeaderSegment, payload)));
        Assert.Null(_tokens.Verify(TestKeys.SignSegments(Key, NextKey.HeaderSegment, payload)));
        Assert.NotNull(_tokens.Verify(TestKeys.SignSegments(Key, Key.HeaderSegment, payload)));
    }

    // T02, T04. All of these are signed by the right key; only the header is not the one we write.
    [Theory]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"JWT"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"AT+JWT"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"application/at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID"}""")]
    [InlineData("""{"alg":"ES256","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES384","kid":"KID","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"es256","kid":"KID","typ":"at+jwt"}""")]
    [InlineData("""{"kid":"KID","alg":"ES256","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at+jwt","jwk":{"kty":"EC","crv":"P-256","x":"X","y":"Y"}}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at+jwt","jku":"https://attacker.example/keys"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at+jwt","x5u":"https://attacker.example/cert"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at+jwt","x5c":["MIIB"]}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at+jwt","crit":["exp"]}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at+jwt","b64":false,"crit":["b64"]}""")]
    [InlineData("""{"alg":"ES256","alg":"none","kid":"KID","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at+jwt","zip":"DEF"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at+jwt"} """)]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"at\u002bjwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"../../etc/passwd","typ":"at+jwt"}""")]
    [InlineData("")]
    public void Any_other_header_is_refused(string header)
    {
        var forged = TestKeys.Forge(Key, header.Replace("KID", Key.Kid, StringComparison.Ordinal), TestKeys.Decode(_tokens.Issue(Subject()).Split('.')[1]));
        Assert.Null(_tokens.Verify(forged));
    }

    // T02. The signature is right in every case: what is signed is the text as it stands.
    [Fact]
    public void Other_spellings_of_a_token_are_refused()
    {
        var token = _tokens.Issue(Subject());
        var segments = token.Split('.');
        Assert.NotNull(_tokens.Verify(token));
        foreach (var spelling in new[]
        {
            token + "=", token + " ", token + "\n", token + ".", token + "." + segments[2], " " + token, "Bearer " + token,
            $"{segments[0]}=.{segments[1]}.{segments[2]}", $"{segments[0]}.{segments[1]}=.{segments[2]}", $"{segments[0]}..{segments[1]}.{segments[2]}",
            $"{segments[0]}.{segments[1]}.{segments[2][..^1]}{NextLetter(segments[2][^1])}",   // bits left over in the last character
            $".{segments[1]}.{segments[2]}", $"{segments[0]}..{segments[2]}", "..", ".", "", token[..^1], token[1..],
        })
        {
            Assert.Null(_tokens.Verify(spelling));
        }
        foreach (var payload in new[] { segments[1] + "=", segments[1] + "==", segments[1] + " ", segments[1] + "\n", segments[1] + "A", segments[1] + "AA", "*" + segments[1] })
        {
            Assert.Null(_tokens.Verify(TestKeys.SignSegments(Key, Key.HeaderSegment, payload)));
        }
    }

    // T02, T04. Signed by the right key under the right header: a token of another kind, or the work of a faulty version of
    // this service. Drop a line from ReadClaims and one of these passes.
    [Theory]
    [MemberData(nameof(WrongPayloads))]
    public void Payloads_that_are_not_of_an_access_token_are_refused(string payload) =>
        Assert.Null(_tokens.Verify(TestKeys.SignSegments(Key, Key.HeaderSegment, TestKeys.Encode(payload))));

    public static TheoryData<string> WrongPayloads()
    {
        const string Good = """{"iss":"http://127.0.0.1:8080","sub":"42","aud":"authservice","client_id":"authservice","exp":99999999999,"iat":1,"jti":"x","sid":"018f3a52-0000-7000-8000-000000000001","auth_time":1,"amr":["pwd"],"acr":"aal1","ver":1}""";
        var data = new TheoryData<string> { "", "null", "[]", "{}", "42", Good + " x", Good + Good, Good[..^1], "\ufeff" + Good, Good[..^1] + ",}", Good[..^1] + "/**/}" };
        foreach (var (name, values) in new (string, string[])[]
        {
            ("iss", ["\"http://127.0.0.1:8080/\"", "\"https://127.0.0.1:8080\"", "\"\"", "null", "[\"http://127.0.0.1:8080\"]", "1"]),
            ("sub", ["42", "\"\"", "\"0\"", "\"-42\"", "\"042\"", "\"42 \"", "\"4.2e1\"", "\"9223372036854775808\"", "null", "{}", "\"\\u0034\\u0032\""]),
            ("aud", ["\"other\"", "\"AuthService\"", "[\"authservice\"]", "[\"authservice\",\"other\"]", "null", "\"authservice \""]),
            ("client_id", ["\"other\"", "null", "[\"authservice\"]"]),
            ("exp", ["\"99999999999\"", "1", "0", "-1", "9e10", "99999999999.5", "null", "1e400", "9223372036854775808", "999999999999999"]),
            ("iat", ["\"1\"", "1.5", "null", "-1"]),
            ("jti", ["1", "\"\"", "null", "\"é\""]),
            ("sid", ["\"018f3a5200007000800000000000001\"", "\"\"", "null", "1", "\"{018f3a52-0000-7000-8000-000000000001}\""]),
            ("auth_time", ["\"1\"", "null", "true"]),
            ("amr", ["\"pwd\"", "null"]),
            ("acr", ["1", "null", "[]"]),
            ("ver", ["2", "0", "\"1\"", "1.0", "null"]),
        })
        {
            var member = JsonDocument.Parse(Good).RootElement.GetProperty(name).GetRawText();
            var original = $"\"{name}\":{member}";
            var inner = Good[1..^1];
            data.Add("{" + string.Join(',', inner.Replace(original, "", StringComparison.Ordinal).Split(',', StringSplitOptions.RemoveEmptyEntries)) + "}");   // missing
            data.Add(Good.Replace($"\"{name}\"", $"\"{name.ToUpperInvariant()}\"", StringComparison.Ordinal));
            data.Add("{" + inner + "," + original + "}");                                                            // twice
            data.Add("{" + inner + $",\"\\u{(int)name[0]:x4}{name[1..]}\":{member}" + "}");                          // twice, once in disguise
            foreach (var value in values) data.Add(Good.Replace(original, $"\"{name}\":{value}", StringComparison.Ordinal));
        }
        data.Add(Good[..^1] + ",\"nbf\":99999999999}");
        data.Add(Good[..^1] + ",\"nbf\":\"1\"}");
        return data;
    }

    // The control of the test above: the same payload unaltered, spelled with white space, and with members to come.
    [Theory]
    [InlineData("""{"iss":"http://127.0.0.1:8080","sub":"42","aud":"authservice","client_id":"authservice","exp":99999999999,"iat":1,"jti":"x","sid":"018f3a52-0000-7000-8000-000000000001","auth_time":1,"amr":["pwd"],"acr":"aal1","ver":1}""")]
    [InlineData(""" { "ver":1, "acr":"aal1", "iss":"http://127.0.0.1:8080","sub":"42","aud":"authservice","client_id":"authservice","exp":99999999999,"iat":1,"jti":"x","sid":"018f3a52-0000-7000-8000-000000000001","auth_time":1,"amr":["pwd"], "cnf":{"jkt":["a",{"b":1}]}, "nbf":1 } """)]
    public void Payloads_of_an_access_token_are_accepted(string payload) =>
        Assert.NotNull(_tokens.Verify(TestKeys.SignSegments(Key, Key.HeaderSegment, TestKeys.Encode(payload))));

    // T08. Every bit of every character; about 6,000 signatures, so the loop runs on a short token.
    [Fact]
    public void A_token_with_one_flipped_bit_anywhere_is_refused()
    {
        var token = _tokens.Issue(Subject() with { Roles = [], Permissions = [] });
        Assert.NotNull(_tokens.Verify(token));
        Parallel.For(0, token.Length, position =>
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var altered = token.ToCharArray();
                altered[position] ^= (char)(1 << bit);
                Assert.Null(_tokens.Verify(new string(altered)));
            }
        });
    }

    // T08
    [Fact]
    public void A_token_with_anything_put_in_taken_out_or_replaced_is_refused()
    {
        var token = _tokens.Issue(Subject());
        var edits =
            from position in Gen.Choose(0, token.Length - 1)
            from removed in Gen.Choose(0, 4)
            from inserted in Gen.Elements("AZaz09-_=. \n+/\0é".ToCharArray()).ListOf()
            select string.Concat(token.AsSpan(0, position), new string([.. inserted.Take(4)]), token.AsSpan(Math.Min(token.Length, position + removed)));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(edits.ToArbitrary(), edited => edited == token || _tokens.Verify(edited) is null));
    }

    // T04: what else the service hands out is not an access token, and an access token is nothing else.
    [Fact]
    public void Tokens_of_other_kinds_are_not_taken_for_one_another()
    {
        var refresh = new RefreshTokens(MasterKey.CreateRandom());
        Assert.Null(_tokens.Verify(refresh.ToText(refresh.Create(Session))));
        Assert.False(refresh.TryRead(_tokens.Issue(Subject()), out _));
        Assert.Null(_tokens.Verify("ak_live_0123456789ab" + new string('A', 49)));
        Assert.Null(_tokens.Verify(TestKeys.Forge(Key, $$"""{"alg":"ES256","kid":"{{Key.Kid}}","typ":"mfa+jwt"}""", TestKeys.Decode(_tokens.Issue(Subject()).Split('.')[1]))));
    }

    [Fact]
    public void Permissions_are_listed_up_to_the_limit_and_referred_to_beyond_it()
    {
        var many = Enumerable.Range(0, 101).Select(i => string.Create(CultureInfo.InvariantCulture, $"resource{i}:read")).ToArray();
        Assert.Equal(100, Payload(_tokens.Issue(Subject() with { Permissions = many[..100] }))["permissions"]!.AsArray().Count);

        var payload = Payload(_tokens.Issue(Subject() with { Permissions = many }));
        Assert.False(payload.ContainsKey("permissions"));
        Assert.Equal("/api/v1/me/permissions", (string?)payload["permissions_ref"]);

        var without = Payload(new AccessTokens(_ring, new TokenOptions { IncludePermissions = false }, _clock).Issue(Subject()));
        Assert.False(without.ContainsKey("permissions") || without.ContainsKey("permissions_ref"));
    }

    // Drop the check in Issue and the node issues tokens it refuses itself.
    [Theory]
    [InlineData(100, 10, true, false)]
    [InlineData(0, 200, false, false)]
    public void A_token_that_would_be_too_long_leaves_its_lists_out(int permissions, int roles, bool listsRoles, bool listsPermissions)
    {
        var text = new string('漢', 60);   // six bytes each once escaped
        var token = _tokens.Issue(Subject() with
        {
            Permissions = [.. Enumerable.Repeat(text, permissions)],
            Roles = [.. Enumerable.Repeat(text, roles)],
        });
        Assert.InRange(token.Length, 1, AccessTokens.MaxLength);
        Assert.NotNull(_tokens.Verify(token));
        Assert.Equal((listsRoles, listsPermissions), (Payload(token).ContainsKey("roles"), Payload(token).ContainsKey("permissions")));
    }

    [Fact]
    public void Texts_longer_than_any_token_are_not_looked_at() =>
        Assert.Null(_tokens.Verify(TestKeys.SignSegments(Key, Key.HeaderSegment, TestKeys.Encode(
            TestKeys.Decode(_tokens.Issue(Subject()).Split('.')[1])[..^1] + ",\"x\":\"" + new string('x', AccessTokens.MaxLength) + "\"}"))));

    // T07
    [Fact]
    public void The_published_keys_have_public_members_only()
    {
        using var json = JsonDocument.Parse(_ring.Current.Jwks);
        var keys = json.RootElement.GetProperty("keys").EnumerateArray().ToArray();
        Assert.Equal([Key.Kid, NextKey.Kid, OldKey.Kid], keys.Select(key => key.GetProperty("kid").GetString()));
        Assert.All(keys, key => Assert.Equal(
            ["alg", "crv", "kid", "kty", "use", "x", "y"], key.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void One_key_signs_and_verifies_on_many_threads_at_once() => Parallel.For(0, 400, i =>
    {
        var claims = _tokens.Verify(_tokens.Issue(Subject() with { UserId = i + 1 }));
        Assert.Equal(i + 1, claims!.UserId);
    });

    private long Now => _clock.GetUtcNow().ToUnixTimeSeconds();

    private AccessTokenSubject Subject() =>
        new(42, Session, _clock.GetUtcNow().AddSeconds(-60), ["pwd"], ["user", "Größe"], ["a:b", "c:d"]);

    private string Under(Es256Key key) => TestKeys.SignSegments(key, key.HeaderSegment, _tokens.Issue(Subject()).Split('.')[1]);

    private string WithPayload(Action<JsonObject> change)
    {
        var payload = Payload(_tokens.Issue(Subject()));
        change(payload);
        return TestKeys.SignSegments(Key, Key.HeaderSegment, TestKeys.Encode(payload.ToJsonString()));
    }

    private static JsonObject Payload(string token) => JsonNode.Parse(TestKeys.Decode(token.Split('.')[1]))!.AsObject();

    private static char NextLetter(char c)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return Alphabet[Alphabet.IndexOf(c, StringComparison.Ordinal) + 1];
    }
}
