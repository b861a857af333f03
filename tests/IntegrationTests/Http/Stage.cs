using System.Globalization;
using System.Net.Http.Headers;
using AuthService.Client;

namespace IntegrationTests.Http;

/// <summary>A node, an administrator, one object of each kind, and a picture of all tables to compare with afterwards.</summary>
internal sealed class Stage : IAsyncDisposable
{
    // Refusals are recorded, and the node's own upkeep writes keys.
    private const string NotCompared = "^(audit_|schema_migrations|signing_keys|solid_cache)";

    private readonly CancellationToken _ct;
    private readonly Dictionary<string, string> _objects = new(StringComparer.Ordinal);
    private string _before = "";

    private Stage(Node node, Account admin, ApiDescription api, CancellationToken ct) => (Node, Admin, Api, _ct) = (node, admin, api, ct);

    public Node Node { get; }
    public Account Admin { get; }
    public ApiDescription Api { get; }
    public IEnumerable<Operation> WithBody => Api.Operations.Where(o => o.Members is not null);

    public static async Task<Stage> SetAsync(Servers servers, CancellationToken ct)
    {
        var database = await servers.CreateDatabaseAsync(ct);
        var node = await Node.StartAsync(database, ct);
        var stage = new Stage(node, await node.AddAdministratorAsync("root", ct), await ApiDescription.OfAsync(node, ct), ct);
        stage._objects["users"] = Text(await database.AddRightlessUserAsync("somebody", ct));
        stage._objects["roles"] = Text(await database.AddRoleAsync("something", ct));
        stage._objects["permissions"] = Text(await database.AddPermissionAsync("some", "thing", ct));
        stage._objects["settings"] = "some.setting";
        await database.ExecuteSqlAsync("INSERT INTO system_settings (key, value) VALUES ('some.setting', '1')", ct);
        stage._objects["webhooks"] = Text(await database.ReadSqlAsync<long>("INSERT INTO webhooks (url, events, secret_sealed) VALUES ('https://hooks.example.org/', '{*}', '') RETURNING id", ct));
        stage._objects["sessions"] = Guid.CreateVersion7().ToString();
        await database.ExecuteSqlAsync("INSERT INTO role_permissions SELECT r.id, p.id FROM roles r, permissions p WHERE r.name = 'admin' ON CONFLICT DO NOTHING", ct);
        stage._before = await stage.PictureAsync();
        return stage;
    }

    /// <summary>The path with an existing object in each of its places.</summary>
    public Task<string> PathAsync(Operation operation)
    {
        var segments = operation.Path.Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            if (segments[i].StartsWith('{')) segments[i] = _objects[segments[i - 1]] + segments[i][(segments[i].IndexOf('}', StringComparison.Ordinal) + 1)..];   // and a query, if there is one
        }

        return Task.FromResult(string.Join('/', segments));
    }

    public async Task<HttpResponseMessage> SendAsync(Operation operation, HttpContent? content)
    {
        using var request = new HttpRequestMessage(operation.Method, await PathAsync(operation)) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Admin.Tokens.AccessToken);
        return await Node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _ct);   // a stream has no end
    }

    public async Task<ProblemBody> RefusedAsync(Operation operation, string what, HttpContent content, int? status)
    {
        using (content)
        using (var answer = await SendAsync(operation, content))
        {
            Assert.True(operation.Statuses.Contains((int)answer.StatusCode), $"{operation}, {what}: {(int)answer.StatusCode} is not described");
            return await Problems.RefusedAsync(answer, $"{operation}, {what}", _ct, status);
        }
    }

    public async Task AssertNothingStoredAsync() => Assert.Equal(_before, await PictureAsync());

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await Node.Database.DisposeAsync();
    }

    /// <summary>Rows and a digest of every table, so that a changed row is seen as well as a new one.</summary>
    private Task<string> PictureAsync() => Node.Database.ReadSqlAsync<string>(
        $"""
         SELECT string_agg(c.relname || ' ' || (xpath('//d/text()', query_to_xml(format(
                    'SELECT count(*) || '' '' || coalesce(md5(string_agg(t::text, '','' ORDER BY t::text)), '''') AS d FROM %I t', c.relname), false, true, '')))[1]::text,
                    E'\n' ORDER BY c.relname)
         FROM   pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE  n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname !~ '{NotCompared}'
         """, _ct);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
