using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using AuthService.Client;
using AuthService.Features.Bootstrap;
using AuthService.Http;
using AuthService.Tokens;

namespace IntegrationTests.Audit;

public class StoredSecretsTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // T81. Store a token instead of its hash, put one into an audit event's reason, keep the temporary password, and this fails.
    [Fact]
    public async Task The_database_holds_no_token_password_or_secret_that_was_ever_given_out()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        string dump;
        var secrets = new Dictionary<string, string>(StringComparer.Ordinal);
        var hashes = new List<byte[]>();
        await using (var node = await Node.StartAsync(database, Ct))
        {
            void Keep(string name, TokenResponse tokens)
            {
                secrets[$"access token of {name}"] = tokens.AccessToken;
                secrets[$"signature of {name}"] = tokens.AccessToken.Split('.')[2];
                secrets[$"refresh token of {name}"] = tokens.RefreshToken;
                secrets[$"secret of {name}"] = Base64Url.EncodeToString(Base64Url.DecodeFromChars(tokens.RefreshToken.AsSpan(4)).AsSpan(21, 32));
                secrets[$"tag of {name}"] = Base64Url.EncodeToString(Base64Url.DecodeFromChars(tokens.RefreshToken.AsSpan(4)).AsSpan(53, 16));
            }

            var bootstrap = (await node.Services.GetRequiredService<CreateFirstAdministrator>().NewTokenAsync(Ct))!;
            var unused = (await node.Services.GetRequiredService<CreateFirstAdministrator>().NewTokenAsync(Ct))!;
            (secrets["bootstrap token"], secrets["unused bootstrap token"], secrets["standard password"]) = (bootstrap, unused, Account.StandardPassword);
            var beforeBootstrap = await database.DumpAsync(Ct);
            Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(unused))), beforeBootstrap, StringComparison.Ordinal);
            AssertAbsent(secrets, beforeBootstrap);
            Assert.Equal(HttpStatusCode.Created, await node.Http.PostAsJsonAsync("/api/v1/bootstrap",
                new BootstrapRequest { Token = bootstrap, Email = "root@example.com", Password = Account.StandardPassword }, WireJson.Default.BootstrapRequest, Ct).StatusAsync());
            var root = await node.SignInAsync("root@example.com", Account.StandardPassword, Ct);
            Keep("root", root.Tokens);

            using (var answer = await root.SendAsync(HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "anna@example.com", Username = "anna" }, Ct))
            {
                secrets["temporary password"] = (await answer.Content.ReadFromJsonAsync(WireJson.Default.CreatedUser, Ct))!.TemporaryPassword;
            }

            var anna = await node.SignInAsync("anna@example.com", secrets["temporary password"], Ct);
            Keep("anna", anna.Tokens);
            secrets["new password"] = "a red kettle on no stove";
            secrets["password that was refused"] = "yellow bird in the wrong tree";
            foreach (var current in new[] { secrets["password that was refused"], secrets["temporary password"] })
            {
                using var change = await anna.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change",
                    new ChangePasswordRequest { CurrentPassword = current, NewPassword = secrets["new password"] }, Ct);
            }

            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("anna@example.com", secrets["password that was refused"], Ct).StatusAsync());
            var first = await node.Http.LogInAsync("anna@example.com", secrets["new password"], Ct).TokensAsync(Ct);
            var second = await node.Http.RefreshAsync(first.RefreshToken, Ct).TokensAsync(Ct);
            var third = await node.Http.RefreshAsync(second.RefreshToken, Ct).TokensAsync(Ct);
            Keep("first", first);
            Keep("second", second);
            Keep("third", third);
            hashes.Add(node.MasterKey.Read(third.RefreshToken).Hash);
            // Reuse, and tokens where they don't belong.
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(first.RefreshToken, Ct).StatusAsync());
            using (var stray = new HttpRequestMessage(HttpMethod.Get, $"{Calls.AnyonesPath}?access_token={root.Tokens.AccessToken}"))
            {
                stray.Headers.TryAddWithoutValidation("User-Agent", "stray/1");
                stray.Headers.TryAddWithoutValidation("X-Request-ID", "stray");
                await node.Http.SendAsync(stray, Ct).StatusAsync();
            }

            await root.SendAsync(HttpMethod.Post, "/api/v1/authz/check", new CheckRequest { Permission = root.Tokens.RefreshToken }, Ct).StatusAsync();
            await node.Services.GetRequiredService<RotateSigningKey>().ExecuteAsync(Caller.CommandLine, Ct);
            secrets["master key, as derived for tags"] = Base64Url.EncodeToString(node.MasterKey.Derive("refresh-token/1/tag"));
        }

        // The node has stopped: what waited in the buffer is written.
        dump = await database.DumpAsync(Ct);
        Assert.Contains("session_renewed", dump, StringComparison.Ordinal);
        // The control: what is meant to be there is found.
        Assert.All(hashes, hash => Assert.Contains(Convert.ToHexStringLower(hash), dump, StringComparison.Ordinal));
        AssertAbsent(secrets, dump);
    }

    /// <summary>Neither as it is nor, where it is base64url, as the bytes it stands for in hexadecimal or plain base64.</summary>
    private static void AssertAbsent(Dictionary<string, string> secrets, string dump)
    {
        foreach (var (name, secret) in secrets)
        {
            Assert.False(dump.Contains(secret, StringComparison.OrdinalIgnoreCase), name);
            Assert.False(dump.Contains(Convert.ToHexString(Encoding.UTF8.GetBytes(secret)), StringComparison.OrdinalIgnoreCase), name + ", as text in bytes");
            if (!Base64Url.IsValid(secret)) continue;
            var bytes = Base64Url.DecodeFromChars(secret);
            Assert.False(dump.Contains(Convert.ToHexString(bytes), StringComparison.OrdinalIgnoreCase), name + ", as bytes");
            Assert.False(dump.Contains(Convert.ToBase64String(bytes), StringComparison.Ordinal), name + ", in base64");
        }
    }
}
