using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using AuthService.Http;
using AuthService.Tokens;
using IntegrationTests.Tokens;

namespace IntegrationTests.Features.SigningKeys;

public class SigningKeysTests(Servers servers) : IClassFixture<Servers>
{
    /// <summary>Time for a node to notice what its next reading of the keys tells it, 100 ms apart, on a busy machine.</summary>
    private static readonly TimeSpan Noticed = TimeSpan.FromSeconds(10);

    private static readonly (string, string)[] Hurried = [("Tokens:KeyReloadInterval", "00:00:00.100"), ("Tokens:JwksMaxAge", "00:00:01")];

    private CancellationToken Ct => servers.TestTimeout;

    // T06. Let a new key sign as soon as it is asked for (active_from = now() in schedule_key.sql), or let go of the old key as soon as
    // it is replaced (VerifyWindow of 0), and this fails.
    [Fact]
    public async Task After_a_rotation_both_nodes_sign_with_a_key_that_was_public_before_and_old_tokens_stay_good_until_the_old_key_is_gone()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct, settings: Hurried);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey, settings: Hurried);
        Node[] nodes = [one, two];
        var old = await one.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var oldKid = Kid(old.Tokens.AccessToken);
        Assert.Equal(2, (await PublishedAsync(two)).Length);
        // An account of its own: on a fast machine it signs in more often than an account may have sessions, and the oldest end.
        var busy = await database.AddUserAsync("bert", Ct);

        // Two rotations: for the first the next key has been public for a while, for the second it is as young as can be.
        var published = new HashSet<string>(await PublishedAsync(two), StringComparer.Ordinal);
        for (var round = 0; round < 2; round++)
        {
            var rotation = await one.Services.GetRequiredService<RotateSigningKey>().ExecuteAsync(Caller.CommandLine, Ct);
            Assert.False(rotation.WasScheduled);
            // Long enough for whoever fetched the keys just before it was published: max-age, and a node's own interval.
            Assert.True(await database.ReadAsync<bool>(
                $"SELECT active_from >= published_at + interval '1.1 seconds' FROM signing_keys WHERE kid = '{rotation.Kid}'", Ct));
            var seenBefore = false;
            await Eventually.TrueAsync(async () =>
            {
                foreach (var node in nodes)
                {
                    var publishedNow = await PublishedAsync(node);
                    var signs = Kid((await node.StartSessionAsync(busy, Ct)).Tokens.AccessToken);
                    Assert.True(published.Contains(signs) || publishedNow.Contains(signs));
                    if (signs == rotation.Kid) Assert.Contains(signs, published);
                    published.UnionWith(publishedNow);
                    seenBefore |= node == two && signs == rotation.Kid;
                }

                return seenBefore && nodes.All(node => node.SigningKey().Kid == rotation.Kid);
            }, Noticed);
        }

        foreach (var node in nodes)
        {
            Assert.Contains(oldKid, await PublishedAsync(node));
            Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(old.Tokens.AccessToken, Ct));
        }

        // As if all had happened two hours ago, which is longer than any token lives.
        await database.ExecuteAsync("UPDATE signing_keys SET published_at = published_at - interval '2 hours', active_from = active_from - interval '2 hours'", Ct);
        foreach (var node in nodes)
        {
            await Eventually.TrueAsync(async () => !(await PublishedAsync(node)).Contains(oldKid), Noticed);
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(old.Tokens.AccessToken, Ct));
        }

        // The session outlives the key.
        var renewed = await two.Http.RefreshAsync(old.Tokens.RefreshToken, Ct).TokensAsync(Ct);
        Assert.Equal(HttpStatusCode.OK, await one.Http.UseAsync(renewed.AccessToken, Ct));
        Assert.Equal(2L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'key_rotated' AND actor_type = 'cli'", Ct));
    }

    // T06. Without the reading of the keys in SigningKeyUpkeep, or without "distrusted" in signing_key_states, this fails.
    [Fact]
    public async Task A_distrusted_key_is_refused_by_every_node_within_its_interval_and_never_comes_back()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct, settings: Hurried);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey, settings: Hurried);
        var anna = await one.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var leaked = one.SigningKey();
        Assert.Equal(HttpStatusCode.OK, await two.Http.UseAsync(anna.Tokens.AccessToken, Ct));

        var outcome = await one.Services.GetRequiredService<DistrustSigningKey>().ExecuteAsync(leaked.Kid, Caller.CommandLine, Ct);
        Assert.False(outcome.Failed(out _, out var distrust));
        Assert.NotEqual(leaked.Kid, distrust!.ActiveKid);

        foreach (var node in new[] { one, two })
        {
            await Eventually.TrueAsync(async () => await node.Http.UseAsync(anna.Tokens.AccessToken, Ct) == HttpStatusCode.Unauthorized, Noticed);
            // Refused at once, by its tag; the node's own keys are read anew within the interval.
            await Eventually.TrueAsync(async () => !(await PublishedAsync(node)).Contains(leaked.Kid), Noticed);
            Assert.Equal(distrust.ActiveKid, node.SigningKey().Kid);
        }

        // Whoever has the leaked key can't use it, and the session goes on under the new one.
        Assert.Equal(HttpStatusCode.Unauthorized, await one.Http.UseAsync(leaked.WithClaims(anna.Tokens.AccessToken, _ => { }), Ct));
        var renewed = await two.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct);
        Assert.Equal(HttpStatusCode.OK, await one.Http.UseAsync(renewed.AccessToken, Ct));
        await one.Services.GetRequiredService<RotateSigningKey>().ExecuteAsync(Caller.CommandLine, Ct);
        await one.Services.GetRequiredService<SigningKeyRing>().ReloadAsync(Ct);
        Assert.DoesNotContain(leaked.Kid, await PublishedAsync(one));
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'key_distrusted'", Ct));
        Assert.True((await one.Services.GetRequiredService<DistrustSigningKey>().ExecuteAsync("unknown", Caller.CommandLine, Ct)).Failed(out var unknown, out _));
        Assert.Equal("signing_keys.not_found", unknown!.Code);
    }

    // Without the look for a date already set in RotateAsync two operators rotate twice.
    [Fact]
    public async Task Two_rotations_at_once_are_one()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        Node[] nodes = [one, two];

        var rotations = await Race.RunAsync(8, i => nodes[i % 2].Services.GetRequiredService<RotateSigningKey>().ExecuteAsync(Caller.CommandLine, Ct));

        Assert.Single(rotations.Select(rotation => (rotation.Kid, rotation.TakesEffectAt)).Distinct());
        Assert.Equal(1, rotations.Count(rotation => !rotation.WasScheduled));
        Assert.Equal(3L, await database.ReadAsync<long>("SELECT count(*) FROM signing_keys", Ct));
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'key_rotated'", Ct));
    }

    // T07. Write the member d in Es256Key.WritePublicJwk and this fails.
    [Fact]
    public async Task Neither_the_published_keys_nor_the_database_show_a_private_key()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);

        using var answer = await node.Http.GetAsync("/.well-known/jwks.json", Ct);
        Assert.Equal("application/jwk-set+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("public, max-age=300", answer.Headers.CacheControl?.ToString());
        var text = await answer.Content.ReadAsStringAsync(Ct);
        using var json = JsonDocument.Parse(text);
        var published = json.RootElement.GetProperty("keys").EnumerateArray().ToArray();
        Assert.Equal(2, published.Length);
        Assert.All(published, key => Assert.Equal(
            ["alg", "crv", "kid", "kty", "use", "x", "y"], key.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal)));

        var keys = node.Services.GetRequiredService<SigningKeyRing>().Current.Keys;
        var dump = await database.DumpAsync(Ct);
        foreach (var key in keys)
        {
            Assert.Contains(key.Key.X, dump, StringComparison.Ordinal);   // the control: the dump would show what is there
            using var pair = ECDsa.Create();
            pair.ImportPkcs8PrivateKey(key.Key.ExportPkcs8(), out _);
            var secret = pair.ExportParameters(includePrivateParameters: true).D!;
            foreach (var form in new[] { Convert.ToHexStringLower(secret), Base64Url.EncodeToString(secret), Convert.ToBase64String(secret) })
            {
                Assert.DoesNotContain(form, dump, StringComparison.OrdinalIgnoreCase);
                Assert.DoesNotContain(form, text, StringComparison.OrdinalIgnoreCase);
            }
        }
    }

    // The document that a verifier starts from.
    [Fact]
    public async Task The_metadata_document_leads_to_the_keys()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Tokens:Issuer", "https://id.example.com"), ("Tokens:JwksMaxAge", "00:01:00")]);
        using var answer = await node.Http.GetAsync("/.well-known/oauth-authorization-server", Ct);
        Assert.Equal("public, max-age=60", answer.Headers.CacheControl?.ToString());
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Ct));
        Assert.Equal("https://id.example.com", json.RootElement.GetProperty("issuer").GetString());
        Assert.Equal("https://id.example.com/.well-known/jwks.json", json.RootElement.GetProperty("jwks_uri").GetString());
    }

    private async Task<string[]> PublishedAsync(Node node)
    {
        using var json = JsonDocument.Parse(await node.Http.GetStringAsync("/.well-known/jwks.json", Ct));
        return [.. json.RootElement.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()!)];
    }

    private static string Kid(string token) => (string)SignedTokens.Header(token)["kid"]!;
}
