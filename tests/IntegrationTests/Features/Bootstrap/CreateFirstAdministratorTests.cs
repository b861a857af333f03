using System.Net;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using AuthService.Client;
using AuthService.Features.Bootstrap;

namespace IntegrationTests.Features.Bootstrap;

public class CreateFirstAdministratorTests(Servers servers) : IClassFixture<Servers>
{
    private const string TokenNotValid = "bootstrap.token_not_valid";

    private CancellationToken Ct => servers.TestTimeout;

    // Without both delete_tokens.sql and the question of has_administrator.sql in CreateAsync the other token makes a second administrator.
    [Fact]
    public async Task A_token_makes_one_administrator_and_after_that_no_token_makes_any()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var (token, other) = (await NewTokenAsync(node), await NewTokenAsync(node));

        foreach (var wrong in new[] { "wrong", token + "x", token[..^1], token.ToLowerInvariant(), $" {token}" })
        {
            Assert.Equal(TokenNotValid, await BootstrapAsync(node, wrong).CodeAsync(HttpStatusCode.Unauthorized, Ct));
        }

        // A password that may not be set uses nothing up.
        using (var weak = await BootstrapAsync(node, token, password: "admin-admin-"))
        {
            Assert.Equal(HttpStatusCode.UnprocessableEntity, weak.StatusCode);
            Assert.All((await weak.ProblemAsync(Ct)).Errors!, error => Assert.Equal("/password", error.Pointer));
        }

        using (var made = await BootstrapAsync(node, token))
        {
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
            var body = (await made.Content.ReadFromJsonAsync(WireJson.Default.BootstrapResponse, Ct))!;
            Assert.Equal(("root@example.com", "root", $"/api/v1/users/{body.Id}"), (body.Email, body.Username, made.Headers.Location?.ToString()));
        }

        var root = await node.SignInAsync("root@example.com", Account.StandardPassword, Ct);
        Assert.Equal(["admin", "user"], root.Tokens.Roles);
        Assert.Equal(16, root.Tokens.Permissions.Count);
        foreach (var used in new[] { token, other }) Assert.Equal(TokenNotValid, await BootstrapAsync(node, used, "second@example.com").CodeAsync(HttpStatusCode.Unauthorized, Ct));
        Assert.Null(await node.Services.GetRequiredService<CreateFirstAdministrator>().NewTokenAsync(Ct));
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM users", Ct));
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'user_created' AND reason = 'first administrator'", Ct));
    }

    // Without LockAdministratorsAsync in CreateAsync two tokens, each still good, make an administrator each or meet in a deadlock.
    [Fact]
    public async Task Of_many_at_once_on_two_nodes_one_becomes_administrator()
    {
        const int callers = 8;
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        Node[] nodes = [one, two];
        string[] tokens = [await NewTokenAsync(one), await NewTokenAsync(two)];

        // No account can be added until all of them have come as far as they get.
        var held = await HeldLock.TakeAsync(database, "LOCK TABLE users IN SHARE MODE", Ct);
        var calls = Race.RunAsync(callers, i => BootstrapAsync(nodes[i % 2], tokens[i / 2 % 2], $"root{i}@example.com").StatusAsync());
        await held.UntilWaitingAsync(callers, Ct);
        await held.DisposeAsync();

        var statuses = await calls;
        Assert.Equal(1, statuses.Count(status => status == HttpStatusCode.Created));
        Assert.Equal(callers - 1, statuses.Count(status => status == HttpStatusCode.Unauthorized));
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM users", Ct));
        Assert.Equal(0L, await database.ReadAsync<long>("SELECT count(*) FROM bootstrap_tokens", Ct));
    }

    // Without the age in take_token.sql a line of an old log makes an administrator.
    [Fact]
    public async Task A_token_works_for_a_day()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var token = await NewTokenAsync(node);
        await database.ExecuteAsync("UPDATE bootstrap_tokens SET created_at = created_at - interval '24 hours'", Ct);
        Assert.Equal(TokenNotValid, await BootstrapAsync(node, token).CodeAsync(HttpStatusCode.Unauthorized, Ct));
        await database.ExecuteAsync("UPDATE bootstrap_tokens SET created_at = created_at + interval '1 minute'", Ct);
        Assert.Equal(HttpStatusCode.Created, await BootstrapAsync(node, token).StatusAsync());
    }

    [Fact]
    public async Task What_the_service_prints_at_its_first_start_makes_the_administrator()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var service = await ServiceProcess.StartAsync(ServiceProcess.Settings(database, RandomNumberGenerator.GetBytes(32)), Ct);
        var token = "";
        await Eventually.TrueAsync(() =>
        {
            token = Regex.Match(service.Output, "\"token\":\"([^\"]+)\"").Groups[1].Value;
            return token.Length > 0;
        }, TimeSpan.FromSeconds(20));

        var request = new BootstrapRequest { Token = token, Email = "root@example.com", Password = Account.StandardPassword };
        Assert.Equal(HttpStatusCode.Created, await service.Http.PostAsJsonAsync("/api/v1/bootstrap", request, WireJson.Default.BootstrapRequest, Ct).StatusAsync());
        Assert.Contains("admin", (await service.Http.LogInAsync("root@example.com", Account.StandardPassword, Ct).TokensAsync(Ct)).Roles);
    }

    [Fact]
    public async Task The_operator_names_the_administrator_in_the_environment_and_changes_nothing_by_naming_another_later()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var settings = ServiceProcess.Settings(database, RandomNumberGenerator.GetBytes(32));
        foreach (var name in new[] { "root", "another" })
        {
            var environment = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["AUTH_BOOTSTRAP_ADMIN_EMAIL"] = $"{name}@example.com",
                ["AUTH_BOOTSTRAP_ADMIN_PASSWORD"] = Account.StandardPassword,
            };
            await using var service = await ServiceProcess.StartAsync(settings, Ct, environment: environment);
            await Eventually.TrueAsync(() => service.Output.Contains("/api/v1/auth/login", StringComparison.Ordinal), TimeSpan.FromSeconds(20));
            Assert.DoesNotContain("\"token\"", service.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(Account.StandardPassword, service.Output, StringComparison.Ordinal);
            Assert.Contains("admin", (await service.Http.LogInAsync("root@example.com", Account.StandardPassword, Ct).TokensAsync(Ct)).Roles);
        }

        Assert.Equal("root@example.com", await database.ReadAsync<string>("SELECT string_agg(email, ',') FROM users", Ct));
        Assert.Equal(0L, await database.ReadAsync<long>("SELECT count(*) FROM bootstrap_tokens", Ct));
    }

    private async Task<string> NewTokenAsync(Node node) => (await node.Services.GetRequiredService<CreateFirstAdministrator>().NewTokenAsync(Ct))!;

    private Task<HttpResponseMessage> BootstrapAsync(Node node, string token, string email = "root@example.com", string password = Account.StandardPassword) =>
        node.Http.PostAsJsonAsync("/api/v1/bootstrap", new BootstrapRequest { Token = token, Email = email, Password = password }, WireJson.Default.BootstrapRequest, Ct);
}
