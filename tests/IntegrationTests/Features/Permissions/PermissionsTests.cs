using System.Net;
using System.Net.Http.Headers;
using AuthService.Client;

namespace IntegrationTests.Features.Permissions;

/// <summary>Definitions of permissions.</summary>
public class PermissionsTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Without the part "granted" of insert_permission.sql nobody could ever grant the new permission, and this fails.
    [Fact]
    public async Task A_new_permission_is_held_by_administrators_at_once_and_by_nobody_else()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var author = await node.AddAccountAsync("author", Ct, "permissions:write", "permissions:read");
        using var made = await author.SendAsync(HttpMethod.Post, "/api/v1/permissions", new CreatePermissionRequest { Resource = "coffee", Action = "brew", Description = "Hot." }, Ct);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var id = (await made.Content.ReadFromJsonAsync(WireJson.Default.CreatedResource, Ct))!.Id;
        Assert.Equal($"/api/v1/permissions/{id}", made.Headers.Location!.ToString());

        Assert.True(await HoldsAsync(admin, "coffee:brew"));
        Assert.False(await HoldsAsync(author, "coffee:brew"));
        var found = await author.GetAsync($"/api/v1/permissions/{id}", WireJson.Default.PermissionInfo, Ct);
        Assert.Equal(("coffee:brew", "coffee", "brew", "Hot.", false), (found.Name, found.Resource, found.Action, found.Description, found.IsSystem));
        Assert.Equal("permissions.name_taken", await CodeAsync(author, HttpMethod.Post, "/api/v1/permissions", new CreatePermissionRequest { Resource = "coffee", Action = "brew" }));
    }

    [Fact]
    public async Task A_renamed_permission_is_held_under_its_new_name_and_a_deleted_one_by_nobody()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var id = await database.AddPermissionAsync("coffee", "brew", Ct);
        await database.GrantAsync(admin.Id, await database.AddRoleAsync("baristas", Ct, "coffee:brew"), Ct);
        var path = $"/api/v1/permissions/{id}";

        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdatePermissionRequest { Action = "serve" }));
        Assert.True(await HoldsAsync(admin, "coffee:serve"));
        Assert.False(await HoldsAsync(admin, "coffee:brew"));
        Assert.Equal("permissions.name_taken", await CodeAsync(admin, HttpMethod.Patch, path, new UpdatePermissionRequest { Resource = "users", Action = "read" }));

        Assert.Null(await CodeAsync(admin, HttpMethod.Delete, path));
        Assert.False(await HoldsAsync(admin, "coffee:serve"));
        Assert.Equal("permissions.not_found", await CodeAsync(admin, HttpMethod.Get, path));
        Assert.Equal("permissions.not_found", await CodeAsync(admin, HttpMethod.Delete, path));
    }

    [Fact]
    public async Task Permissions_of_the_service_are_neither_renamed_nor_deleted()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        foreach (var permission in await database.ReadSqlAsync<long[]>("SELECT array_agg(id) FROM permissions", Ct))
        {
            var path = $"/api/v1/permissions/{permission}";
            Assert.Equal("permissions.system_permission", await CodeAsync(admin, HttpMethod.Delete, path));
            Assert.Equal("permissions.system_permission", await CodeAsync(admin, HttpMethod.Patch, path, new UpdatePermissionRequest { Resource = "other" }));
            Assert.Equal("permissions.system_permission", await CodeAsync(admin, HttpMethod.Patch, path, new UpdatePermissionRequest { Action = "other" }));
            Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdatePermissionRequest { Description = "Said better." }));
        }
    }

    // Without the comparison with $2 in update_permission.sql and delete_permission.sql this fails.
    [Fact]
    public async Task A_change_asked_for_against_an_older_version_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var id = await database.AddPermissionAsync("coffee", "brew", Ct);
        await database.GrantAsync(admin.Id, await database.AddRoleAsync("baristas", Ct, "coffee:brew"), Ct);
        var path = $"/api/v1/permissions/{id}";
        using var read = await admin.SendAsync(HttpMethod.Get, path, body: null, Ct);
        var tag = read.Headers.ETag!.Tag;
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync(admin, HttpMethod.Patch, path, tag));
        Assert.Equal(HttpStatusCode.PreconditionFailed, await ChangeAsync(admin, HttpMethod.Patch, path, tag));
        Assert.Equal(HttpStatusCode.PreconditionFailed, await ChangeAsync(admin, HttpMethod.Delete, path, tag));
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync(admin, HttpMethod.Patch, path, "*"));
        Assert.Equal(HttpStatusCode.NoContent, await ChangeAsync(admin, HttpMethod.Delete, path, ifMatch: null));
    }

    [Fact]
    public async Task Permissions_are_listed_by_name_in_pages_with_a_total()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "permissions:read");
        var names = (await ListAsync(reader, "limit=200")).Items.Select(p => p.Name).ToList();
        Assert.Equal(16, names.Count);
        Assert.Equal(names.OrderBy(n => n.Split(':')[0], StringComparer.Ordinal).ThenBy(n => n.Split(':')[1], StringComparer.Ordinal), names);
        Assert.Equal(names.Skip(14), (await ListAsync(reader, "limit=5&offset=14")).Items.Select(p => p.Name));
        var found = await ListAsync(reader, "search=SERS:");
        Assert.Equal(["users:admin", "users:read", "users:write"], found.Items.Select(p => p.Name));
        Assert.Equal((3, false, null), (found.Total, found.TotalIsEstimate, found.NextCursor));
        Assert.Equal(["api_keys:read", "api_keys:write"], (await ListAsync(reader, "search=_")).Items.Select(p => p.Name));
        foreach (var query in new[] { "limit=0", "limit=-1", "limit=201", "offset=-1" }) Assert.Equal("http.paging_not_valid", await CodeAsync(reader, HttpMethod.Get, "/api/v1/permissions?" + query));
    }

    [Theory]
    [InlineData("", "read")]
    [InlineData("a:b", "read")]
    [InlineData(" a", "read")]
    [InlineData("a ", "read")]
    [InlineData("a\n", "read")]
    [InlineData("*", "read")]
    [InlineData("a", "")]
    [InlineData("a", ":")]
    [InlineData("\u00e4", "read")]
    [InlineData("_a", "read")]
    public async Task A_name_of_another_form_is_refused(string resource, string action)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var author = await node.AddAccountAsync("author", Ct, "permissions:write");
        Assert.Equal("http.invalid", await CodeAsync(author, HttpMethod.Post, "/api/v1/permissions", new CreatePermissionRequest { Resource = resource, Action = action }));
        Assert.Equal("http.invalid", await CodeAsync(author, HttpMethod.Post, "/api/v1/permissions", new CreatePermissionRequest { Resource = new string('a', 65), Action = "read" }));
    }

    private async Task<bool> HoldsAsync(Account account, string permission) =>
        (await account.GetAsync("/api/v1/me/permissions", WireJson.Default.RightsResponse, Ct)).Permissions.Contains(permission);

    private async Task<Page<PermissionInfo>> ListAsync(Account caller, string query) =>
        await caller.GetAsync("/api/v1/permissions?" + query, WireJson.Default.PagePermissionInfo, Ct);

    private async Task<HttpStatusCode> ChangeAsync(Account caller, HttpMethod method, string path, string? ifMatch)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", caller.Tokens.AccessToken);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (method == HttpMethod.Patch) request.Content = JsonContent.Create(new UpdatePermissionRequest { Description = "Changed." }, WireJson.Default.UpdatePermissionRequest);
        using var answer = await caller.Node.Http.SendAsync(request, Ct);
        return answer.StatusCode;
    }

    /// <returns>Null: it was done.</returns>
    private async Task<string?> CodeAsync(Account caller, HttpMethod method, string path, object? body = null)
    {
        using var answer = await caller.SendAsync(method, path, body, Ct);
        return answer.IsSuccessStatusCode ? null : (await answer.ProblemAsync(Ct)).Code;
    }
}
