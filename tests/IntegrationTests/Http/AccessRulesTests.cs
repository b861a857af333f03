using AuthService.Client;
using AuthService.Http;

namespace IntegrationTests.Http;

/// <summary>Deny by default: a route that forgets to say who may call it does not run.</summary>
public class AccessRulesTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task Every_route_states_an_access_rule()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var routes = node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        Assert.True(routes.Count > 30, $"only {routes.Count} routes");
        Assert.Empty(routes.Where(r => r.Metadata.GetMetadata<Access>() is null).Select(r => r.DisplayName));
    }

    // The control: without the exception in AccessEnforcement the route answers 200 and this fails.
    [Fact]
    public async Task A_route_without_an_access_rule_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, services: services => services.AddSingleton<IStartupFilter, ForgottenRoute>());
        using var answer = await node.Http.GetAsync(new Uri(ForgottenRoute.Path, UriKind.Relative), Ct);
        Assert.Equal(500, (int)answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.DoesNotContain(ForgottenRoute.Body, text, StringComparison.Ordinal);
        Problems.AssertTellsNothing(text, ForgottenRoute.Path);
        Assert.Equal("http.unexpected", (await answer.Content.ReadFromJsonAsync(WireJson.Default.ProblemBody, Ct))!.Code);
    }

    private sealed class ForgottenRoute : IStartupFilter
    {
        public const string Path = "/forgotten";
        public const string Body = "open to all";

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            next(app);
            // The app builder of a WebApplication is the application itself, further on.
            if (app.Properties["__EndpointRouteBuilder"] is IEndpointRouteBuilder routes) routes.MapGet(Path, () => Body);
        };
    }
}
