using System.Net;
using AuthService.Client;

namespace IntegrationTests.Features.Authentication;

/// <summary>What surrounds an answer that carries a token, or a refusal of one.</summary>
public class TokenAnswersTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // T75. Without no-store in LogInAsync or RefreshAsync, or without ResponseHeaders (also after an exception), this fails.
    [Fact]
    public async Task Nobody_may_store_an_answer_with_a_token_and_a_browser_makes_nothing_of_it()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var administrator = await node.CreateAdministratorAsync(Ct);
        await database.AddUserAsync("anna", Ct);
        var anna = await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);

        var answers = new Dictionary<string, HttpResponseMessage>(StringComparer.Ordinal)
        {
            ["log-in"] = await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct),
            ["log-in refused"] = await node.Http.LogInAsync("anna1@example.com", "x", Ct),
            ["log-in malformed"] = await node.Http.PostAsync("/api/v1/auth/login", new StringContent("{", null, "application/json"), Ct),
            ["refresh"] = await node.Http.RefreshAsync(anna.RefreshToken, Ct),
            ["refresh refused"] = await node.Http.RefreshAsync("rt1_x", Ct),
            ["new account with its temporary password"] = await administrator.SendAsync(
                HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "berta@example.com", Username = "berta" }, Ct),
            ["own profile"] = await administrator.SendAsync(HttpMethod.Get, "/api/v1/users/profile", body: null, Ct),
            ["own sessions"] = await administrator.SendAsync(HttpMethod.Get, "/api/v1/me/sessions", body: null, Ct),
            ["no token"] = await node.Http.GetAsync(Calls.AnyonesPath, Ct),
            ["bootstrap refused"] = await node.Http.PostAsJsonAsync("/api/v1/bootstrap",
                new BootstrapRequest { Token = "x", Email = "x@example.com", Password = Account.StandardPassword }, WireJson.Default.BootstrapRequest, Ct),
        };
        foreach (var (name, answer) in answers)
        {
            Assert.True(answer.Headers.CacheControl?.NoStore, $"{name}: {answer.Headers.CacheControl}");
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("DENY", Assert.Single(answer.Headers.GetValues("X-Frame-Options")));
            Assert.Equal("default-src 'none'; frame-ancestors 'none'", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")));
            Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
            Assert.Equal("same-origin", Assert.Single(answer.Headers.GetValues("Cross-Origin-Resource-Policy")));
            Assert.NotEmpty(Assert.Single(answer.Headers.GetValues("X-Request-ID")));
            Assert.False(answer.Headers.Contains("Server"));
            // Of a log-in, and no credential; see KnownDevices.
            if (answer.Headers.TryGetValues("Set-Cookie", out var cookies)) Assert.StartsWith("__Host-known-device=", Assert.Single(cookies), StringComparison.Ordinal);
            Assert.Equal(answer.StatusCode == HttpStatusCode.Unauthorized, answer.Headers.WwwAuthenticate.Count == 1);
            answer.Dispose();
        }
    }
}
