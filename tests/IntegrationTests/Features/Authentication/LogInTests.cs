using System.Net;
using AuthService.Client;

namespace IntegrationTests.Features.Authentication;

public class LogInTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task A_registered_account_signs_in_and_sees_itself()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.CreateUserAsync("anna", Ct);
        Assert.Equal(["user"], anna.Tokens.Roles);

        var profile = await anna.GetAsync("/api/v1/users/profile", WireJson.Default.UserDetail, Ct);
        Assert.Equal(("anna@example.com", "anna", anna.Id), (profile.Email, profile.Username, profile.Id));

        using var other = await anna.SendAsync(HttpMethod.Get, "/api/v1/users", body: null, Ct);
        Assert.Equal(HttpStatusCode.Forbidden, other.StatusCode);
        Assert.Equal("authz.not_permitted", (await other.ProblemAsync(Ct)).Code);
    }
}
