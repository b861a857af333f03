using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using AuthService.Caching;
using AuthService.Features.Bootstrap;
using SolidCache;

namespace IntegrationTests.Http;

/// <summary>
/// A node with so many of everything that is related to something: permissions, roles that hold all of them, accounts that hold all roles, and as many sessions
/// of each account. Makes the request of any operation, with a caller and an object of its own that are as rich.
/// </summary>
internal sealed class PopulatedNode : IAsyncDisposable
{
    private const string NewPassword = "another kettle on a red stove";

    private readonly int _rows;
    private readonly CancellationToken _ct;
    private int _made;

    private PopulatedNode(Node node, int rows, ApiDescription api, long[] accounts, CancellationToken ct) => (Node, _rows, Api, Accounts, _ct) = (node, rows, api, accounts, ct);

    public Node Node { get; }
    public ApiDescription Api { get; }
    public long[] Accounts { get; }

    public static async Task<PopulatedNode> StartAsync(Servers servers, int rows, CancellationToken ct)
    {
        var database = await servers.CreateDatabaseAsync(ct);
        await database.ExecuteSqlAsync("INSERT INTO permissions (resource, action) SELECT 'row' || n, 'read' FROM generate_series(1, $1) n", ct, rows);
        await database.ExecuteSqlAsync("INSERT INTO roles (name) SELECT 'row' || n FROM generate_series(1, $1) n", ct, rows);
        await database.ExecuteSqlAsync("INSERT INTO role_permissions SELECT r.id, p.id FROM roles r, permissions p WHERE (r.name LIKE 'row%' OR r.name = 'admin') AND p.resource LIKE 'row%'", ct);
        var accounts = await database.AddUsersAsync("row", rows, ct);
        var node = await Node.StartAsync(database, ct);
        var populated = new PopulatedNode(node, rows, await ApiDescription.OfAsync(node, ct), accounts, ct);
        await populated.EnrichAsync(accounts);
        return populated;
    }

    /// <summary>One request that must succeed, with everything it needs. Its <see cref="Request.Caller"/> and its object are new.</summary>
    public async Task<Request> PrepareAsync(Operation operation)
    {
        if (operation.ToString() == "POST /api/v1/bootstrap") return await FirstAdministratorAsync(operation);
        var caller = await AccountAsync();
        if (operation.ToString() == "POST /api/v1/auth/password/change") await SqlAsync("DELETE FROM user_roles ur USING roles r WHERE r.id = ur.role_id AND ur.user_id = $1 AND r.name = 'admin'", caller);
        var signedIn = await Node.OpenSessionAsync(caller, _ct);
        await EnrichAsync([caller]);
        var subject = await AccountAsync(isAdministrator: false);
        await EnrichAsync([subject]);
        if (operation.Path.EndsWith("/activate", StringComparison.Ordinal)) await SqlAsync("UPDATE users SET is_active = false WHERE id = $1", subject);
        return new Request(operation.NeedsSession ? signedIn : null, signedIn, operation.Method, await PathAsync(operation, caller, subject), await BodyAsync(operation, signedIn, subject));
    }

    /// <summary>The rights of every account are in this node's memory afterwards.</summary>
    public async Task LearnRightsAsync(Account caller)
    {
        var checks = new JsonArray([.. Accounts.Select(id => new JsonObject { ["user_id"] = id, ["permission"] = "users:read" })]);
        using var answer = await caller.SendAsync(HttpMethod.Post, "/api/v1/authz/check/batch", new JsonObject { ["checks"] = checks }, _ct);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Whatever this node has in memory it must load again, and it knows all that was written by SQL before.</summary>
    public async Task ForgetAsync() => await Node.Services.GetRequiredService<TieredCache>().RemoveByTagAsync([CacheTags.Everything], _ct);

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await Node.Database.DisposeAsync();
    }

    private async Task<long> AccountAsync(bool isAdministrator = true)
    {
        var id = await Node.Database.AddUserAsync(Name("account"), _ct);
        if (isAdministrator) await Node.Database.GrantAsync(id, await Node.Database.RoleIdAsync("admin", _ct), _ct);
        return id;
    }

    private async Task EnrichAsync(long[] accounts)
    {
        await SqlAsync("INSERT INTO user_roles (user_id, role_id) SELECT u, r.id FROM unnest($1) u, roles r WHERE r.name LIKE 'row%'", accounts);
        await SqlAsync(
            """
            INSERT INTO sessions (id, user_id, absolute_expires_at, idle_expires_at, cur_hash, amr)
            SELECT gen_random_uuid(), u, now() + interval '1 day', now() + interval '1 day', '', '{pwd}' FROM unnest($1) u, generate_series(1, $2)
            """, accounts, _rows);
    }

    private async Task<string> PathAsync(Operation operation, long caller, long subject)
    {
        var segments = operation.Path.Split('/');
        long? first = null;
        for (var i = 0; i < segments.Length; i++)
        {
            if (!segments[i].StartsWith('{')) continue;
            if (segments[i - 1] is "settings")
            {
                segments[i] = Name("some.setting");
                await SqlAsync("INSERT INTO system_settings (key, value) VALUES ($1, '1')", segments[i]);
                continue;
            }

            if (segments[i - 1] is "sessions")
            {
                segments[i] = (await Node.Database.ReadSqlAsync<Guid>("SELECT id FROM sessions WHERE user_id = $1 AND cur_hash = '' LIMIT 1", _ct, caller)).ToString();
                continue;
            }

            var id = segments[i - 1] switch
            {
                "users" => subject,
                "roles" => await RoleAsync(),
                "permissions" => await PermissionAsync(),
                "webhooks" => await WebhookAsync(),
                _ => throw new InvalidOperationException($"{operation}: say in {nameof(PopulatedNode)} what its object is."),
            };
            // What is taken away has to be there; what is given must not be.
            if (first is { } holder && operation.Method == HttpMethod.Delete) await SqlAsync($"INSERT INTO {(segments[i - 1] == "roles" ? "user_roles (user_id, role_id)" : "role_permissions (role_id, permission_id)")} VALUES ($1, $2)", holder, id);
            first ??= id;
            segments[i] = id.ToString(CultureInfo.InvariantCulture);
        }

        return string.Join('/', segments) + (operation.Query.ContainsKey("limit") ? "?limit=100" : operation.Path.EndsWith("/forward", StringComparison.Ordinal) ? "?permission=users:read" : "");
    }

    /// <summary>With all permissions there are, and every account holds it.</summary>
    private async Task<long> RoleAsync()
    {
        var role = await Node.Database.AddRoleAsync(Name("role"), _ct);
        await SqlAsync("INSERT INTO role_permissions SELECT $1, id FROM permissions WHERE resource LIKE 'row%'", role);
        await SqlAsync("INSERT INTO user_roles (user_id, role_id) SELECT id, $1 FROM users WHERE username LIKE 'row%'", role);
        return role;
    }

    /// <summary>Which every role holds.</summary>
    private async Task<long> PermissionAsync()
    {
        var permission = await Node.Database.AddPermissionAsync(Name("thing"), "read", _ct);
        await SqlAsync("INSERT INTO role_permissions SELECT id, $1 FROM roles WHERE name LIKE 'row%' OR name = 'admin'", permission);
        return permission;
    }

    /// <summary>With as many tries in its log.</summary>
    private async Task<long> WebhookAsync()
    {
        var webhook = await Node.Database.ReadSqlAsync<long>("INSERT INTO webhooks (url, events, secret_sealed) VALUES ('https://hooks.example.org/', '{*}', '') RETURNING id", _ct);
        await SqlAsync("INSERT INTO webhook_deliveries (webhook_id, message_id, type, try, status, duration_ms) SELECT $1, gen_random_uuid(), 'role.granted', 1, 200, 1 FROM generate_series(1, $2)", webhook, _rows);
        return webhook;
    }

    private async Task<JsonObject?> BodyAsync(Operation operation, Account caller, long subject)
    {
        var email = await Node.Database.ReadSqlAsync<string>("SELECT email FROM users WHERE id = $1", _ct, subject);
        return operation.ToString() switch
        {
            "POST /api/v1/auth/login" => new JsonObject { ["email"] = email, ["password"] = Account.StandardPassword },
            "POST /api/v1/auth/refresh" => new JsonObject { ["refresh_token"] = caller.Tokens.RefreshToken },
            "POST /api/v1/auth/password/change" => new JsonObject { ["current_password"] = Account.StandardPassword, ["new_password"] = NewPassword },
            "POST /api/v1/auth/password/reset" => new JsonObject { ["token"] = await MailTokenAsync("reset_password"), ["new_password"] = NewPassword },
            "POST /api/v1/auth/email/verify" => new JsonObject { ["token"] = await MailTokenAsync("verify_email") },
            "POST /api/v1/authz/check" or "POST /api/v1/authz/explain" => new JsonObject { ["user_id"] = subject, ["permission"] = "users:read" },
            "POST /api/v1/authz/check/batch" => new JsonObject { ["checks"] = new JsonArray([.. Accounts.Select(id => new JsonObject { ["user_id"] = id, ["permission"] = "users:read" })]) },
            "POST /api/v1/users/bulk" => new JsonObject { ["users"] = new JsonArray([.. Accounts.Select(id => new JsonObject { ["id"] = id, ["phone"] = "1" }), .. Accounts.Select(_ => NewAccount())]) },
            _ => operation.ValidBody(),
        };

        async Task<string> MailTokenAsync(string purpose)
        {
            var token = Name("token");
            await SqlAsync("INSERT INTO email_tokens (token_hash, user_id, purpose, email, password_series, expires_at) SELECT sha256($1::text::bytea), id, $2, email, password_series, now() + interval '1 day' FROM users WHERE id = $3", token, purpose, subject);
            return token;
        }

        JsonObject NewAccount()
        {
            var name = Name("new");
            return new JsonObject { ["email"] = name + "@example.org", ["username"] = name };
        }
    }

    /// <summary>Only where nobody is administrator yet.</summary>
    private async Task<Request> FirstAdministratorAsync(Operation operation)
    {
        await SqlAsync("DELETE FROM user_roles ur USING roles r WHERE r.id = ur.role_id AND r.name = 'admin'");
        var token = await Node.Services.GetRequiredService<CreateFirstAdministrator>().NewTokenAsync(_ct);
        var body = operation.ValidBody()!;
        body["token"] = token;
        return new Request(null, null, operation.Method, operation.Path, body);
    }

    private Task<int> SqlAsync(string sql, params object[] parameters) => Node.Database.ExecuteSqlAsync(sql, _ct, parameters);

    private string Name(string kind) => string.Create(CultureInfo.InvariantCulture, $"{kind}{++_made}x");
}

/// <param name="Caller">Whose access token it carries; null: none.</param>
/// <param name="Owner">Who is behind it, with or without one: the caller, or whose refresh token it is. Null: nobody yet.</param>
internal sealed record Request(Account? Caller, Account? Owner, HttpMethod Method, string Path, JsonObject? Body)
{
    /// <param name="trace">The W3C trace it belongs to.</param>
    public HttpRequestMessage ToMessage(string? trace = null)
    {
        var message = new HttpRequestMessage(Method, Path);
        if (Caller is not null) message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Caller.Tokens.AccessToken);
        if (trace is not null) message.Headers.Add("traceparent", trace);
        if (Body is not null) message.Content = JsonContent.Create(Body);
        return message;
    }
}
