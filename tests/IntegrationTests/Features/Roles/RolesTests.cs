using System.Net;
using System.Net.Http.Headers;
using AuthService.Client;

namespace IntegrationTests.Features.Roles;

/// <summary>Roles and the permissions in them.</summary>
public class RolesTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task A_role_is_made_read_changed_and_deleted()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        using var made = await admin.SendAsync(HttpMethod.Post, "/api/v1/roles", new CreateRoleRequest { Name = "editors", Description = "Edit." }, Ct);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var id = (await made.Content.ReadFromJsonAsync(WireJson.Default.CreatedResource, Ct))!.Id;
        var path = $"/api/v1/roles/{id}";
        Assert.Equal(path, made.Headers.Location!.ToString());
        Assert.Equal("roles.name_taken", await CodeAsync(admin, HttpMethod.Post, "/api/v1/roles", new CreateRoleRequest { Name = "editors" }));

        var permission = await database.PermissionIdAsync("users:read", Ct);
        Assert.Null(await CodeAsync(admin, HttpMethod.Put, $"{path}/permissions/{permission}"));
        Assert.Null(await CodeAsync(admin, HttpMethod.Put, $"{path}/permissions/{permission}"));
        var role = await admin.GetAsync(path, WireJson.Default.RoleInfo, Ct);
        Assert.Equal(("editors", "Edit.", false), (role.Name, role.Description, role.IsSystem));
        Assert.Equal(["users:read"], role.Permissions);

        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdateRoleRequest { Name = "writers" }));
        Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdateRoleRequest { Description = "" }));
        var changed = await admin.GetAsync(path, WireJson.Default.RoleInfo, Ct);
        Assert.Equal(("writers", null), (changed.Name, changed.Description));
        Assert.Equal("roles.name_taken", await CodeAsync(admin, HttpMethod.Patch, path, new UpdateRoleRequest { Name = "user" }));

        // Its holders lose what it permits with their next request, also those signed in.
        var anna = await node.AddAccountAsync("anna", Ct);
        Assert.Null(await CodeAsync(admin, HttpMethod.Put, $"/api/v1/users/{anna.Id}/roles/{id}"));
        Assert.Null(await CodeAsync(anna, HttpMethod.Get, "/api/v1/users"));
        Assert.Null(await CodeAsync(admin, HttpMethod.Delete, path));
        Assert.Equal("authz.not_permitted", await CodeAsync(anna, HttpMethod.Get, "/api/v1/users"));
        Assert.Equal("roles.not_found", await CodeAsync(admin, HttpMethod.Get, path));
        foreach (var (method, below) in new[] { (HttpMethod.Delete, ""), (HttpMethod.Put, $"/permissions/{permission}"), (HttpMethod.Delete, $"/permissions/{permission}") })
        {
            Assert.Equal("roles.not_found", await CodeAsync(admin, method, path + below));
        }
    }

    [Fact]
    public async Task Roles_of_the_service_keep_their_names_and_admin_keeps_everything()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var permission = await database.PermissionIdAsync("users:read", Ct);
        foreach (var name in new[] { "admin", "user" })
        {
            var path = $"/api/v1/roles/{await database.RoleIdAsync(name, Ct)}";
            Assert.Equal("roles.system_role", await CodeAsync(admin, HttpMethod.Delete, path));
            Assert.Equal("roles.system_role", await CodeAsync(admin, HttpMethod.Patch, path, new UpdateRoleRequest { Name = "other" }));
            Assert.Null(await CodeAsync(admin, HttpMethod.Patch, path, new UpdateRoleRequest { Name = name, Description = "As it was." }));
        }

        var administrators = await database.RoleIdAsync("admin", Ct);
        Assert.Equal("roles.system_role", await CodeAsync(admin, HttpMethod.Delete, $"/api/v1/roles/{administrators}/permissions/{permission}"));
        var everyone = await database.RoleIdAsync("user", Ct);
        Assert.Null(await CodeAsync(admin, HttpMethod.Put, $"/api/v1/roles/{everyone}/permissions/{permission}"));
        Assert.Equal("permissions.not_found", await CodeAsync(admin, HttpMethod.Put, $"/api/v1/roles/{everyone}/permissions/4611686018427387904"));
    }

    // Without the comparison with $2 in update_role.sql and delete_role.sql this fails.
    [Fact]
    public async Task A_change_asked_for_against_an_older_version_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var path = $"/api/v1/roles/{await database.AddRoleAsync("editors", Ct)}";
        using var read = await admin.SendAsync(HttpMethod.Get, path, body: null, Ct);
        var tag = read.Headers.ETag!.Tag;
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync(admin, HttpMethod.Patch, path, tag));
        Assert.Equal(HttpStatusCode.PreconditionFailed, await ChangeAsync(admin, HttpMethod.Patch, path, tag));
        Assert.Equal(HttpStatusCode.PreconditionFailed, await ChangeAsync(admin, HttpMethod.Delete, path, tag));
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync(admin, HttpMethod.Patch, path, "*"));
        Assert.Equal(HttpStatusCode.NoContent, await ChangeAsync(admin, HttpMethod.Delete, path, ifMatch: null));
    }

    [Fact]
    public async Task Roles_are_listed_by_name_in_pages_with_a_total()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await database.ExecuteSqlAsync("INSERT INTO roles (name) SELECT 'team' || to_char(n, 'FM00') FROM generate_series(1, 12) n", Ct);
        await database.ExecuteSqlAsync("INSERT INTO roles (name) VALUES ('under_score'), ('per.cent')", Ct);

        var all = await ListAsync(admin, "");
        Assert.Equal(16, all.Total);
        Assert.Equal(all.Items.Select(r => r.Name).Order(StringComparer.Ordinal), all.Items.Select(r => r.Name));
        Assert.Equal(16, all.Items.Single(r => r.Name == "admin").Permissions.Count);
        var page = await ListAsync(admin, "limit=5&offset=10&search=TEAM");
        Assert.Equal(["team11", "team12"], page.Items.Select(r => r.Name));
        Assert.Equal(12, page.Total);
        Assert.Equal((0, 12), ((await ListAsync(admin, "offset=100&search=team")).Items.Count, (await ListAsync(admin, "offset=100&search=team")).Total));
        Assert.Equal("under_score", Assert.Single((await ListAsync(admin, "search=_")).Items).Name);
        Assert.Empty((await ListAsync(admin, "search=%25")).Items);
        foreach (var query in new[] { "limit=0", "limit=-1", "limit=201", "offset=-1" }) Assert.Equal("http.paging_not_valid", await CodeAsync(admin, HttpMethod.Get, "/api/v1/roles?" + query));
        foreach (var query in new[] { "limit=abc", "offset=abc" }) Assert.Equal("http.malformed", await CodeAsync(admin, HttpMethod.Get, "/api/v1/roles?" + query));
    }

    // Deleted between the look and the write: the foreign key says so, and the answer is the ordinary one.
    [Fact]
    public async Task Granting_a_role_while_it_is_deleted_grants_it_or_finds_none()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var permission = await database.PermissionIdAsync("users:read", Ct);
        for (var round = 0; round < 15; round++)
        {
            var role = await database.AddRoleAsync($"short{round}", Ct);
            var codes = await Race.RunAsync(3, i => i switch
            {
                0 => CodeAsync(admin, HttpMethod.Delete, $"/api/v1/roles/{role}"),
                1 => CodeAsync(admin, HttpMethod.Put, $"/api/v1/users/{admin.Id}/roles/{role}"),
                _ => CodeAsync(admin, HttpMethod.Put, $"/api/v1/roles/{role}/permissions/{permission}"),
            });
            Assert.Null(codes[0]);
            Assert.True(codes[1] is null or "roles.not_found", codes[1]);
            Assert.True(codes[2] is null or "roles.not_found", codes[2]);
        }
    }

    private async Task<Page<RoleInfo>> ListAsync(Account caller, string query) => await caller.GetAsync("/api/v1/roles?" + query, WireJson.Default.PageRoleInfo, Ct);

    private async Task<HttpStatusCode> ChangeAsync(Account caller, HttpMethod method, string path, string? ifMatch)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", caller.Tokens.AccessToken);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (method == HttpMethod.Patch) request.Content = JsonContent.Create(new UpdateRoleRequest { Description = "Changed." }, WireJson.Default.UpdateRoleRequest);
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
