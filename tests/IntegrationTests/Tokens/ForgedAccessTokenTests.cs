using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AuthService.Tokens;

namespace IntegrationTests.Tokens;

/// <summary>
/// Access tokens that must not pass, over HTTP. Each test first shows that its way of making tokens makes good ones, so that a
/// refusal is due to the one thing that was altered.
/// </summary>
public class ForgedAccessTokenTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // T01. Parse the header and believe its alg, and this fails; so it does if the signature is not checked at all.
    [Fact]
    public async Task Unsigned_and_symmetrically_signed_tokens_and_those_of_another_key_are_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var token = (await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct)).Tokens.AccessToken;
        var key = node.SigningKey();
        var next = node.Services.GetRequiredService<SigningKeyRing>().Current.Keys.First(k => k.State == SigningKeyState.Next).Key;
        var stranger = Es256Key.Create();
        var (header, payload) = (token.Split('.')[0], token.Split('.')[1]);
        var jwks = await node.Http.GetStringAsync("/.well-known/jwks.json", Ct);
        byte[] point = [4, .. Base64Url.DecodeFromChars(key.X), .. Base64Url.DecodeFromChars(key.Y)];

        var forged = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["empty signature"] = $"{header}.{payload}.",
            ["no signature"] = $"{header}.{payload}",
            ["signature of nothing but zeros"] = $"{header}.{payload}.{Base64Url.EncodeToString(new byte[64])}",
            ["signed by a stranger under our kid"] = stranger.Sign(header, payload),
            ["signed by a stranger under its own kid"] = stranger.Sign(stranger.HeaderSegment, payload),
            ["signed by the active key under the next one's kid"] = key.Sign(next.HeaderSegment, payload),
            ["signed by the next key under the active one's kid"] = next.Sign(header, payload),
        };
        foreach (var alg in new[] { "none", "None", "NONE", "nOnE", "" })
        {
            var unsigned = SignedTokens.Encode($$"""{"alg":"{{alg}}","kid":"{{key.Kid}}","typ":"at+jwt"}""");
            forged[$"alg {alg}, no signature"] = $"{unsigned}.{payload}.";
            forged[$"alg {alg}, a good signature"] = key.Sign(unsigned, payload);
        }

        foreach (var alg in new[] { "HS256", "HS384", "HS512" })
        {
            var symmetric = SignedTokens.Encode($$"""{"alg":"{{alg}}","kid":"{{key.Kid}}","typ":"at+jwt"}""");
            byte[] signed = Encoding.ASCII.GetBytes($"{symmetric}.{payload}");
            (string Name, byte[] Secret)[] publicForms =
            [
                ("JWKS", Encoding.UTF8.GetBytes(jwks)), ("x", Encoding.ASCII.GetBytes(key.X)), ("point", point), ("kid", Encoding.ASCII.GetBytes(key.Kid)),
            ];
            foreach (var (name, secret) in publicForms)
            {
                var mac = alg == "HS256" ? HMACSHA256.HashData(secret, signed) : alg == "HS384" ? HMACSHA384.HashData(secret, signed) : HMACSHA512.HashData(secret, signed);
                forged[$"{alg} keyed with the public key as {name}"] = $"{symmetric}.{payload}.{Base64Url.EncodeToString(mac)}";
            }
        }

        await AssertRefusedAsync(node, key.Sign(header, payload), forged);
    }

    // T02. The first group carries a good signature of the node's own key: only what the header says, or how it says it, is wrong. Take
    // every header for the active key's and this fails.
    [Fact]
    public async Task Headers_that_bring_a_key_or_demand_an_extension_and_sloppy_encodings_are_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var token = (await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct)).Tokens.AccessToken;
        var key = node.SigningKey();
        var stranger = Es256Key.Create();
        var (header, payload, signature) = (token.Split('.')[0], token.Split('.')[1], token.Split('.')[2]);
        var own = $$"""{"alg":"ES256","kid":"{{key.Kid}}","typ":"at+jwt"}""";
        var strangersJwk = $$"""{"kty":"EC","crv":"P-256","x":"{{stranger.X}}","y":"{{stranger.Y}}"}""";

        string With(string member) => own[..^1] + "," + member + "}";
        var forged = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["jwk of the signer"] = key.WithHeader(token, With($$""""jwk":{"kty":"EC","crv":"P-256","x":"{{key.X}}","y":"{{key.Y}}"}"""")),
            ["jwk of a stranger, who signed"] = stranger.WithHeader(token, With($"\"jwk\":{strangersJwk}")),
            ["jku"] = key.WithHeader(token, With("\"jku\":\"https://example.com/jwks.json\"")),
            ["x5u"] = key.WithHeader(token, With("\"x5u\":\"https://example.com/cert.pem\"")),
            ["x5c"] = key.WithHeader(token, With("\"x5c\":[\"MIIB\"]")),
            ["unknown crit"] = key.WithHeader(token, With("\"crit\":[\"exp\"],\"exp\":1")),
            ["empty crit"] = key.WithHeader(token, With("\"crit\":[]")),
            ["b64 false"] = key.WithHeader(token, With("\"crit\":[\"b64\"],\"b64\":false")),
            ["duplicate alg"] = key.WithHeader(token, With("\"alg\":\"ES256\"")),
            ["duplicate alg, first none"] = key.WithHeader(token, """{"alg":"none",""" + own[1..]),
            ["duplicate kid"] = key.WithHeader(token, With($"\"kid\":\"{key.Kid}\"")),
            ["other order"] = key.WithHeader(token, $$"""{"typ":"at+jwt","alg":"ES256","kid":"{{key.Kid}}"}"""),
            ["white space"] = key.WithHeader(token, own.Replace(":", ": ", StringComparison.Ordinal)),
            ["no typ"] = key.WithHeader(token, $$"""{"alg":"ES256","kid":"{{key.Kid}}"}"""),
            ["typ JWT"] = key.WithHeader(token, own.Replace("at+jwt", "JWT", StringComparison.Ordinal)),
            ["typ in capitals"] = key.WithHeader(token, own.Replace("at+jwt", "AT+JWT", StringComparison.Ordinal)),
            ["typ of another kind"] = key.WithHeader(token, own.Replace("at+jwt", "mfa+jwt", StringComparison.Ordinal)),
            ["no kid"] = key.WithHeader(token, """{"alg":"ES256","typ":"at+jwt"}"""),
            ["header no object"] = key.WithHeader(token, "[]"),
            ["header no JSON"] = key.WithHeader(token, "x"),
            ["header empty"] = key.Sign("", payload),
            ["payload empty"] = key.Sign(header, ""),
            ["payload no object"] = key.Sign(header, SignedTokens.Encode("[]")),
            ["payload with text after it"] = key.Sign(header, SignedTokens.Encode(SignedTokens.Decode(payload) + "{}")),
            ["duplicate sub"] = key.Sign(header, SignedTokens.Encode(SignedTokens.Decode(payload)[..^1] + ",\"sub\":\"1\"}")),
            ["duplicate exp, written as an escape"] = key.Sign(header, SignedTokens.Encode(SignedTokens.Decode(payload)[..^1] + ",\"e\\u0078p\":99999999999}")),

            ["padded payload"] = key.Sign(header, payload + new string('=', (4 - payload.Length % 4) % 4) + (payload.Length % 4 == 0 ? "====" : "")),
            ["padded signature"] = token + "==",
            ["spare bits set in the signature"] = token[..^1] + Successor(signature[^1]),
            ["standard alphabet"] = $"{header}.{payload}.{signature[..^2]}+/",
            ["four parts"] = token + ".x",
            ["trailing dot"] = token + ".",
            ["trailing line feed escaped"] = token + "\\n",
            ["leading dot"] = "." + token,
            ["space within"] = token.Insert(header.Length + 5, " "),
            ["comma and another token"] = $"{token}, {token}",
            ["longer than any token"] = token + new string('A', AccessTokens.MaxLength),
        };

        await AssertRefusedAsync(node, key.WithHeader(token, own), forged);
    }

    // T04. Signed by the node's own key: only a claim is wrong. Drop a comparison in AccessTokens.ReadClaims and this fails.
    [Fact]
    public async Task Claims_of_another_issuer_audience_time_or_form_are_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var clock = new StoppedClock(TimeProvider.System.GetUtcNow());
        await using var node = await Node.StartAsync(database, Ct, services: services => services.AddSingleton<TimeProvider>(clock));
        var users = await database.AddUsersAsync("anna", 2, Ct);
        var token = (await node.StartSessionAsync(users[0], Ct)).Tokens.AccessToken;
        var otherSession = (string)SignedTokens.Claims((await node.StartSessionAsync(users[1], Ct)).Tokens.AccessToken)["sid"]!;
        var key = node.SigningKey();
        var now = clock.GetUtcNow().ToUnixTimeSeconds();

        string Without(string claim) => key.WithClaims(token, claims => claims.Remove(claim));
        string With(string claim, JsonNode? value) => key.WithClaims(token, claims => claims[claim] = value);
        var forged = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["other issuer"] = With("iss", "http://127.0.0.1:8081"),
            ["issuer with a slash"] = With("iss", "http://127.0.0.1:8080/"),
            ["other audience"] = With("aud", "another"),
            ["list of audiences"] = With("aud", new JsonArray("authservice", "another")),
            ["other client"] = With("client_id", "another"),
            ["expired this second"] = With("exp", now),
            ["expired long ago"] = With("exp", 0),
            ["expiry as text"] = With("exp", (now + 600).ToString(CultureInfo.InvariantCulture)),
            ["expiry as fraction"] = With("exp", now + 600.5),
            ["expiry beyond all time"] = With("exp", long.MaxValue),
            ["expiry null"] = With("exp", null),
            ["not valid until next second"] = With("nbf", now + 1),
            ["not before as text"] = With("nbf", "0"),
            ["other user's session"] = With("sid", otherSession),
            ["other user under this session"] = With("sub", users[1].ToString(CultureInfo.InvariantCulture)),
            ["user as number"] = With("sub", users[0]),
            ["user with a leading zero"] = With("sub", "0" + users[0].ToString(CultureInfo.InvariantCulture)),
            ["unknown session"] = With("sid", Guid.CreateVersion7().ToString()),
            ["session no id"] = With("sid", "1"),
            ["other version of the format"] = With("ver", 2),
        };
        foreach (var claim in new[] { "iss", "sub", "aud", "client_id", "exp", "iat", "jti", "sid", "auth_time", "amr", "acr", "ver" })
        {
            forged[$"no {claim}"] = Without(claim);
        }

        await AssertRefusedAsync(node, key.WithClaims(token, claims =>
        {
            claims["exp"] = now + 1;
            claims["nbf"] = now;
        }), forged);
    }

    // T04. A token of one kind in the place of another.
    [Fact]
    public async Task A_refresh_token_opens_no_endpoint_and_an_access_token_refreshes_nothing()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (access, refresh) = (await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct)).Tokens is { } tokens
            ? (tokens.AccessToken, tokens.RefreshToken) : default;

        await AssertRefusedAsync(node, access, new(StringComparer.Ordinal) { ["refresh token"] = refresh, ["refresh token without its prefix"] = refresh[4..] });

        // A JWT is longer than any refresh token, which the shape of the request says already.
        Assert.Equal("http.invalid", await node.Http.RefreshAsync(access, Ct).CodeAsync(HttpStatusCode.UnprocessableEntity, Ct));
        foreach (var part in access.Split('.').Append("rt1_" + access[..92]).Where(part => part.Length <= 256))
        {
            Assert.Equal("sessions.refresh_token_not_valid", await node.Http.RefreshAsync(part, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
        }

        await node.Http.RefreshAsync(refresh, Ct).TokensAsync(Ct);
    }

    // T75. A token in a URL ends up in logs and histories, so it is not looked for there, or in a form or a cookie.
    [Fact]
    public async Task A_token_in_the_query_string_or_in_a_cookie_is_not_looked_at()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var token = (await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct)).Tokens.AccessToken;
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(token, Ct));

        foreach (var name in new[] { "access_token", "token", "authorization", "Authorization", "api_key", "key" })
        {
            using var inQuery = await node.Http.GetAsync($"{Calls.AnyonesPath}?{name}={token}", Ct);
            Assert.Equal(HttpStatusCode.Unauthorized, inQuery.StatusCode);
            Assert.Equal("authn.token_missing", (await inQuery.ProblemAsync(Ct)).Code);
            Assert.Equal("Bearer realm=\"authservice\"", inQuery.Headers.WwwAuthenticate.ToString());
        }

        using var withCookie = new HttpRequestMessage(HttpMethod.Get, Calls.AnyonesPath);
        withCookie.Headers.Add("Cookie", $"access_token={token}; Authorization=Bearer {token}; __Host-access={token}");
        Assert.Equal("authn.token_missing", await node.Http.SendAsync(withCookie, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));

        using var otherScheme = new HttpRequestMessage(HttpMethod.Get, Calls.AnyonesPath);
        otherScheme.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes(token + ":")));
        Assert.Equal("authn.token_missing", await node.Http.SendAsync(otherScheme, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
    }

    // What others rely on who verify our tokens themselves.
    [Fact]
    public async Task An_issued_token_says_what_RFC_9068_asks_for()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Tokens:Issuer", "https://id.example.com"), ("Tokens:Audience", "shop"), ("Tokens:AccessTokenLifetime", "00:05:00")]);
        var id = await database.AddUserAsync("anna", Ct);
        var first = await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        var second = await node.Http.RefreshAsync(first.RefreshToken, Ct).TokensAsync(Ct);

        Assert.Equal((300, "Bearer"), (first.ExpiresIn, first.TokenType));
        Assert.Equal(["alg", "kid", "typ"], SignedTokens.Header(first.AccessToken).Select(member => member.Key));
        Assert.Equal(("ES256", node.SigningKey().Kid, "at+jwt"),
            ((string)SignedTokens.Header(first.AccessToken)["alg"]!, (string)SignedTokens.Header(first.AccessToken)["kid"]!, (string)SignedTokens.Header(first.AccessToken)["typ"]!));

        var claims = SignedTokens.Claims(first.AccessToken);
        Assert.Equal(
            ["acr", "amr", "aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "permissions", "roles", "sid", "sub", "ver"],
            claims.Select(member => member.Key).Order(StringComparer.Ordinal));
        Assert.Equal(("https://id.example.com", "shop", "authservice"), ((string)claims["iss"]!, (string)claims["aud"]!, (string)claims["client_id"]!));
        Assert.Equal((id.ToString(CultureInfo.InvariantCulture), "aal1", 1), ((string)claims["sub"]!, (string)claims["acr"]!, (int)claims["ver"]!));
        Assert.Equal("[\"pwd\"]", claims["amr"]!.ToJsonString());
        Assert.Equal("[\"user\"]", claims["roles"]!.ToJsonString());
        Assert.Equal(300, (long)claims["exp"]! - (long)claims["iat"]!);
        Assert.Equal(node.MasterKey.Read(first.RefreshToken).SessionId, Guid.Parse((string)claims["sid"]!));

        // A refresh proves nothing anew: same session, same time of proof, another token.
        var refreshed = SignedTokens.Claims(second.AccessToken);
        Assert.Equal((string)claims["sid"]!, (string)refreshed["sid"]!);
        Assert.Equal((long)claims["auth_time"]!, (long)refreshed["auth_time"]!);
        Assert.NotEqual((string)claims["jti"]!, (string)refreshed["jti"]!);
        Assert.Null(second.User);
    }

    private async Task AssertRefusedAsync(Node node, string good, Dictionary<string, string> forged)
    {
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(good, Ct));
        var passed = new List<string>();
        foreach (var (name, token) in forged)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Calls.AnyonesPath);
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            using var answer = await node.Http.SendAsync(request, Ct);
            if (answer.StatusCode != HttpStatusCode.Unauthorized || (await answer.ProblemAsync(Ct)).Code != "authn.token_not_valid") passed.Add($"{name}: {answer.StatusCode}");
        }

        Assert.Empty(passed);
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(good, Ct));
    }

    private static char Successor(char letter)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return Alphabet[Alphabet.IndexOf(letter, StringComparison.Ordinal) + 1];
    }

    /// <summary>One instant, as far as dates go; timers run on.</summary>
    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
