using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using AuthService.Tokens;
using IntegrationTests.Tokens;

namespace IntegrationTests.Jose;

/// <summary>Another implementation, npm's <c>jose</c>, verifies our tokens from what we publish.</summary>
public class JoseTests(Servers servers) : IClassFixture<Servers>
{
    private const string Issuer = "https://id.example.com";

    private CancellationToken Ct => servers.TestTimeout;

    // T05. Publish anything but the key that signs, its coordinates exchanged say, and this fails.
    [Fact]
    public async Task Jose_verifies_our_tokens_from_our_published_keys_alone()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Tokens:Issuer", Issuer), ("Tokens:Audience", "shop")]);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var tokens = new List<string> { anna.Tokens.AccessToken };
        var refreshToken = anna.Tokens.RefreshToken;
        for (var i = 0; i < 20; i++)
        {
            var refreshed = await node.Http.RefreshAsync(refreshToken, Ct).TokensAsync(Ct);
            refreshToken = refreshed.RefreshToken;
            tokens.Add(refreshed.AccessToken);
        }

        // The published key that does not sign yet counts as well.
        var next = node.Services.GetRequiredService<SigningKeyRing>().Current.Keys.First(key => key.State == SigningKeyState.Next).Key;
        tokens.Add(next.WithClaims(tokens[0], _ => { }));
        string[] bad =
        [
            tokens[0][..^2] + (tokens[0][^2] == 'A' ? "B" : "A") + tokens[0][^1],
            Es256Key.Create().WithClaims(tokens[0], _ => { }),
            node.SigningKey().WithClaims(tokens[0], claims => claims["aud"] = "another"),
        ];

        var verdicts = await VerifyAsync(node, [.. tokens, .. bad]);

        for (var i = 0; i < tokens.Count; i++)
        {
            Assert.Null(verdicts[i]!["error"]);
            Assert.Equal(SignedTokens.Header(tokens[i]).ToJsonString(), verdicts[i]!["header"]!.ToJsonString());
            Assert.Equal(SignedTokens.Claims(tokens[i]).ToJsonString(), verdicts[i]!["payload"]!.ToJsonString());
        }

        // The control: a verifier that accepts everything would prove nothing.
        Assert.Equal(
            ["ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "ERR_JWKS_NO_MATCHING_KEY", "ERR_JWT_CLAIM_VALIDATION_FAILED"],
            verdicts.Skip(tokens.Count).Select(verdict => (string?)verdict!["error"]));
    }

    private async Task<JsonArray> VerifyAsync(Node node, string[] tokens)
    {
        var folder = Path.Combine(Root(), "tests", "IntegrationTests", "Jose");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules", "jose")),
            "npm's jose is not installed: run ./dev setup, or 'npm ci' in tests/IntegrationTests/Jose.");

        using var process = Process.Start(new ProcessStartInfo("node", "verify.mjs")
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var question = new { jwks_uri = new Uri(node.Http.BaseAddress!, "/.well-known/jwks.json").ToString(), issuer = Issuer, audience = "shop", tokens };
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(question));
        process.StandardInput.Close();
        var answer = await process.StandardOutput.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        Assert.Equal(0, process.ExitCode);
        return JsonNode.Parse(answer)!.AsArray();
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No repository here.");
        return folder;
    }
}
