using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using AuthService.Client;

namespace IntegrationTests.Http;

/// <summary>
/// T60: every operation × {anonymous, no rights, exactly the permission named, administrator} × {own, other's, missing object}, generated from
/// the node's own description. Nobody has to think of a new endpoint for it to be tested.
/// </summary>
public class EndpointMatrixTests(Servers servers) : IClassFixture<Servers>
{
    // A refusal for another reason than a missing permission.
    private static readonly string[] OtherRefusals =
    [
        "authz.exceeds_own_rights", "users.own_account", "users.last_administrator", "roles.system_role", "permissions.system_permission",
        "sessions.not_found", "authn.current_password_not_valid", "authn.credentials_not_valid", "sessions.refresh_token_not_valid",
        "bootstrap.token_not_valid", "http.invalid", "authn.reset_token_not_valid", "authn.verification_token_not_valid",
    ];

    private static readonly string[] Anonymous =
    [
        "POST /api/v1/auth/register", "POST /api/v1/auth/login", "POST /api/v1/auth/refresh", "POST /api/v1/bootstrap",
        "POST /api/v1/auth/password/forgot", "POST /api/v1/auth/password/reset", "POST /api/v1/auth/email/verify", "POST /api/v1/auth/email/resend",
        "GET /.well-known/jwks.json", "GET /.well-known/oauth-authorization-server", "GET /health", "GET /health/live", "GET /health/ready",
    ];

    private CancellationToken Ct => servers.TestTimeout;

    // A route that opens to anonymous callers has to be added to the list above, where a reviewer sees it. Put AllowAnyone() on any other
    // route, or forget WithSummary or WithTags, and this fails.
    [Fact]
    public async Task Every_operation_says_what_it_is_for_and_who_may_call_it()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var api = await ApiDescription.OfAsync(node, Ct);

        Assert.Equal(Anonymous.Order(), api.Operations.Where(o => !o.NeedsSession).Select(o => o.ToString()).Order());
        Assert.All(api.Operations, o => Assert.False(string.IsNullOrWhiteSpace((string?)o.Description["summary"]), $"{o} has no summary"));
        Assert.All(api.Operations, o => Assert.True(o.Description["tags"] is JsonArray { Count: 1 }, $"{o} has no tag"));
        Assert.All(api.Operations, o => Assert.True(o.Permission is null || o.NeedsSession, $"{o} asks for a permission and not for a session"));
        Assert.All(api.Operations, o => Assert.True(o.Permission is not null || IsOnesOwn(o) || !o.NeedsSession, $"{o} touches others and asks for no permission"));
    }

    // Remove the permission check from AccessEnforcement and this fails at every row "no rights".
    [Fact]
    public async Task Nobody_calls_what_they_have_no_permission_for_and_everybody_calls_what_they_have()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var api = await ApiDescription.OfAsync(node, Ct);
        await node.AddAdministratorAsync("keeper", Ct);   // so that no row meets the rule about the last one

        var wrong = new List<string>();
        var rows = 0;
        foreach (var operation in api.Operations)
            foreach (var role in Enum.GetValues<Role>())
                foreach (var target in operation.HasObject ? Enum.GetValues<Target>() : [Target.Other])
                {
                    var number = ++rows;
                    var caller = await CallerAsync(node, operation, role, number);
                    using var answer = await SendAsync(node, operation, caller, await PathAsync(node, operation, target, caller, number));
                    var code = await CodeAsync(answer, $"{operation} {role} {target}");
                    if (!operation.Statuses.Contains((int)answer.StatusCode)) wrong.Add($"{operation}, {role}, {target}: {(int)answer.StatusCode} {code} is not described");
                    if (!IsRight(operation, role, target, answer.StatusCode, code)) wrong.Add($"{operation}, {role}, {target}: {(int)answer.StatusCode} {code}");
                }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(rows > 150, $"only {rows} rows");
    }

    private static bool IsRight(Operation operation, Role role, Target target, HttpStatusCode status, string? code)
    {
        if ((int)status >= 500) return false;
        if (operation.NeedsSession && role == Role.Anonymous) return (status, code) == (HttpStatusCode.Unauthorized, "authn.token_missing");
        if (operation.Permission is not null && role == Role.NoRights) return (status, code) == (HttpStatusCode.Forbidden, "authz.not_permitted");
        if (code is "authz.not_permitted" or "authn.token_missing" or "authn.token_not_valid") return false;
        // A setting that is missing is made by writing it.
        if (target == Target.Missing && !(operation.Method == HttpMethod.Put && operation.Path.Contains("/settings/", StringComparison.Ordinal))) return status == HttpStatusCode.NotFound;
        return (int)status < 300 || OtherRefusals.Contains(code);
    }

    private static async Task<Account?> CallerAsync(Node node, Operation operation, Role role, int number)
    {
        var ct = CancellationToken.None;
        var name = string.Create(CultureInfo.InvariantCulture, $"caller{number}");
        return role switch
        {
            Role.Anonymous => null,
            Role.NoRights => await node.AddAccountAsync(name, ct),
            Role.Holder => await node.AddAccountAsync(name, ct, operation.Permission is { } permission ? [permission] : []),
            Role.Administrator => await node.AddAdministratorAsync(name, ct),
            _ => throw new ArgumentOutOfRangeException(nameof(role)),
        };
    }

    /// <summary>The path with an object made for this row alone, since the row may delete it.</summary>
    private static async Task<string> PathAsync(Node node, Operation operation, Target target, Account? caller, int number)
    {
        if (!operation.HasObject) return operation.Path;
        var ct = CancellationToken.None;
        var path = operation.Path;
        var name = string.Create(CultureInfo.InvariantCulture, $"object{number}");
        var segments = path.Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            if (!segments[i].StartsWith('{')) continue;
            segments[i] = (segments[i - 1], target) switch
            {
                ("sessions", Target.Missing) => Guid.CreateVersion7().ToString(),
                ("settings", Target.Missing) => "no.such." + name,
                (_, Target.Missing) => "4611686018427387904",
                ("settings", _) => await SettingAsync(node, name),
                ("sessions", Target.Own) => caller is null ? Guid.CreateVersion7().ToString() : await SessionIdAsync(node, caller.Id),
                ("sessions", Target.Other) => await SessionIdAsync(node, (await node.AddAccountAsync(name, ct)).Id),
                ("users", Target.Own) => Text(caller?.Id ?? 1),
                ("users", Target.Other) => Text(await node.Database.AddRightlessUserAsync(name, ct)),
                ("roles", Target.Own) => Text(await OwnRoleAsync(node, caller, name)),
                ("roles", Target.Other) => Text(await node.Database.AddRoleAsync(name, ct)),
                ("permissions", Target.Own) => Text(await OwnPermissionAsync(node, caller, name)),
                ("permissions", Target.Other) => Text(await node.Database.AddPermissionAsync(name, "read", ct)),
                ("webhooks", _) => Text(await node.Database.ReadSqlAsync<long>("INSERT INTO webhooks (url, events, secret_sealed) VALUES ('https://hooks.example.org/', '{*}', '') RETURNING id", ct)),
                var unknown => throw new InvalidOperationException($"{operation}: what is an object of {unknown}?"),
            };
        }

        return string.Join('/', segments);
    }

    private static async Task<string> SessionIdAsync(Node node, long userId) =>
        (await node.Database.ReadSqlAsync<Guid>("SELECT id FROM sessions WHERE user_id = $1", CancellationToken.None, userId)).ToString();

    private static async Task<string> SettingAsync(Node node, string name)
    {
        await node.Database.ExecuteSqlAsync("INSERT INTO system_settings (key, value) VALUES ($1, '1')", CancellationToken.None, name);
        return name;
    }

    private static async Task<long> OwnRoleAsync(Node node, Account? caller, string name)
    {
        var role = await node.Database.AddRoleAsync(name, CancellationToken.None);
        if (caller is not null) await node.Database.GrantAsync(caller.Id, role, CancellationToken.None);
        return role;
    }

    private static async Task<long> OwnPermissionAsync(Node node, Account? caller, string name)
    {
        var permission = await node.Database.AddPermissionAsync(name, "own", CancellationToken.None);
        if (caller is not null) await node.Database.GrantAsync(caller.Id, await node.Database.AddRoleAsync("holds-" + name, CancellationToken.None, name + ":own"), CancellationToken.None);
        return permission;
    }

    private static async Task<HttpResponseMessage> SendAsync(Node node, Operation operation, Account? caller, string path)
    {
        using var request = new HttpRequestMessage(operation.Method, path);
        if (caller is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", caller.Tokens.AccessToken);
        if (operation.ValidBody() is { } body) request.Content = JsonContent.Create(body);
        return await node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);   // a stream has no end
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage answer, string row)
    {
        if ((int)answer.StatusCode < 400) return null;
        if ((int)answer.StatusCode >= 500) return (await answer.Content.ReadFromJsonAsync(WireJson.Default.ProblemBody))!.Code;
        return (await Problems.RefusedAsync(answer, row, CancellationToken.None)).Code;
    }

    /// <summary>Reaches nothing but what is the caller's own, so a session is permission enough.</summary>
    private static bool IsOnesOwn(Operation operation) =>
        operation.Path.StartsWith("/api/v1/me/", StringComparison.Ordinal)
        || operation.Path.StartsWith("/api/v1/auth/", StringComparison.Ordinal)
        || operation.Path == "/api/v1/users/profile"
        || operation.Path.StartsWith("/api/v1/authz/", StringComparison.Ordinal);   // asks for users:read itself, where others are meant

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private enum Role { Anonymous, NoRights, Holder, Administrator }

    private enum Target { Own, Other, Missing }
}
