using System.Text;
using AuthService.Client;

namespace IntegrationTests.Http;

/// <summary>T73, T74: methods, paths, parameters and headers nobody should send; and what every error says and does not say.</summary>
public class BadRequestsTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MADE-UP"];

    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task A_method_the_path_does_not_know_is_answered_with_those_it_knows()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var path in stage.Api.Operations.GroupBy(o => o.Path))
        {
            var known = path.Select(o => o.Method.Method).Order().ToArray();
            foreach (var method in Methods.Except(known))
            {
                var operation = path.First() with { Method = new HttpMethod(method) };
                using var answer = await stage.SendAsync(operation, content: null);
                var problem = await Problems.RefusedAsync(answer, operation.ToString(), Ct, 405);
                Assert.Equal("http.method_not_allowed", problem.Code);
                Assert.Equal(known, answer.Content.Headers.Allow.Order());
            }
        }

        await stage.AssertNothingStoredAsync();
    }

    // The request must not come back: it may carry what a script in a browser can't read itself.
    [Theory]
    [InlineData("/api/v1/users/profile")]
    [InlineData("/nothing/here")]
    [InlineData("/")]
    public async Task Trace_is_refused_and_echoes_nothing(string path)
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        await using var raw = await RawHttp.ConnectAsync(stage.Node, Ct);
        await raw.SendAsync(RawHttp.Head("TRACE", path, "X-Mine: do-not-repeat"), Ct);
        var answer = await raw.ReadAsync(Ct);
        Assert.True(answer.Status is 405 or 404, $"{answer.Status}");
        Assert.DoesNotContain("do-not-repeat", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_that_nothing_can_have_is_not_found()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        string[] ids = ["0", "-1", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e3", "1.0", "0x1", "text", "%20", "..%2f1", "null", "%F0%9F%98%80", "%FF",
            "00000000-0000-0000-0000-000000000000", "018f3a52", "'--", "1;select", new string('1', 4000)];
        // Settings have names, not ids: SystemSettingsTests.
        foreach (var operation in stage.Api.Operations.Where(o => o.HasObject && !o.Path.Contains("/settings/", StringComparison.Ordinal)))
            foreach (var id in ids)
            {
                var strange = operation with { Path = string.Join('/', operation.Path.Split('/').Select(s => s.StartsWith('{') ? id : s)) };
                using var content = operation.ValidBody() is { } body ? JsonContent.Create(body) : null;
                using var answer = await stage.SendAsync(strange, content);
                var shown = id.Length > 40 ? "a very long number" : id;
                await Problems.RefusedAsync(answer, $"{operation} with {shown}", Ct, 404);
            }

        await stage.AssertNothingStoredAsync();
    }

    [Fact]
    public async Task A_query_parameter_of_another_type_or_out_of_range_is_refused_and_a_strange_text_is_a_text()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        var parameters = 0;
        foreach (var operation in stage.Api.Operations)
            foreach (var (name, schema) in operation.Query)
            {
                parameters++;
                var types = operation.TypesOf(schema);
                // A number of an account has 64 bits, and may be nobody's.
                string[] wrong = types.Contains("integer") && (string?)schema["format"] == "int64" ? ["abc", "1.5", "9223372036854775808", "%00", "1,2", "1e1", "0x1"]
                    : types.Contains("integer") ? ["abc", "1.5", "9223372036854775808", "2147483648", "-1", "%00", "1,2", "1e1", "0x1"]
                    : types.Contains("boolean") ? ["abc", "2", "%00", "yes"] : [];
                foreach (var value in wrong)
                {
                    using var answer = await stage.SendAsync(operation with { Path = $"{operation.Path}?{name}={value}" }, content: null);
                    await Problems.RefusedAsync(answer, $"{operation}?{name}={value}", Ct, 400);
                }

                foreach (var value in new[] { "", "%00", "%FF%FE", "%ED%A0%80", "a%00b", "%25", "%5C", "_", "'", "%F0%9F%98%80", "%0d%0aX-Mine:%201", new string('a', 4000), $"1&{name}=2" })
                {
                    using var answer = await stage.SendAsync(operation with { Path = $"{operation.Path}?{name}={value}" }, content: null);
                    var what = $"{operation}?{name}={(value.Length > 40 ? "a very long text" : value)}";
                    Assert.True((int)answer.StatusCode < 500, $"{what}: {(int)answer.StatusCode}");
                    Assert.False(answer.Headers.Contains("X-Mine"), what);
                    if ((int)answer.StatusCode >= 400) await Problems.RefusedAsync(answer, what, Ct);
                }
            }

        Assert.True(parameters > 8, $"only {parameters} query parameters");
    }

    // T63: nothing that is not exactly one bearer token gets in. A token in the query is not looked at (T75).
    [Fact]
    public async Task Credentials_that_are_missing_empty_repeated_or_of_another_kind_are_refused()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        var token = stage.Admin.Tokens.AccessToken;
        foreach (var headers in new string[][]
        {
            [], ["Authorization:"], ["Authorization:  "], ["Authorization: Bearer"], ["Authorization: Bearer "], [$"Authorization: {token}"], [$"Authorization: Basic {token}"],
            [$"Authorization: Bearer {token}", $"Authorization: Bearer {token}"], [$"Authorization: Bearer {token}, Bearer {token}"], [$"Authorization: Bearer {token} x"],
            [$"Authorization: Bearer {token}x"], [$"Authorization: Bearer\t{token}"], [$"Proxy-Authorization: Bearer {token}"], [$"Cookie: access_token={token}"],
            ["X-API-Key:"], ["X-API-Key:  "], ["X-API-Key: ak_live_abc"], [$"X-API-Key: {token}"], ["X-API-Key: a", "X-API-Key: b"],
            [$"Authorization: Bearer {stage.Admin.Tokens.RefreshToken}"],
        })
        {
            var answer = await GetAsync(stage.Node, $"/api/v1/users/profile?access_token={token}&token={token}", headers);
            Assert.True(answer.Status == 401, $"{string.Join(" | ", headers)}: {answer.Status}");
            Assert.Single(answer.Headers["WWW-Authenticate"]);
        }

        foreach (var headers in new string[][] { [$"Authorization: Bearer {token}", "X-API-Key: ak_live_abc"], [$"Authorization: Bearer {token}", "X-API-Key:"], ["Authorization:", "X-API-Key:"] })
        {
            var answer = await GetAsync(stage.Node, "/api/v1/users/profile", headers);
            Assert.True(answer.Status == 400, $"{string.Join(" | ", headers)}: {answer.Status}");
            Assert.Contains("http.conflicting_credentials", answer.Body, StringComparison.Ordinal);
        }

        Assert.Equal(200, (await GetAsync(stage.Node, "/api/v1/users/profile", [$"authorization: bearer {token}"])).Status);
    }

    [Fact]
    public async Task A_safe_request_id_is_kept_and_any_other_replaced()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var path in new[] { "/health/live", "/nothing/here", "/api/v1/users" })
        {
            foreach (var id in new[] { "a", "0", "abc-DEF_1.2", new string('x', 128) })
            {
                Assert.Equal(id, Assert.Single((await GetAsync(stage.Node, path, ["X-Request-ID: " + id])).Headers["X-Request-ID"]));
            }

            foreach (var headers in new string[][]
            {
                [], ["X-Request-ID:"], ["X-Request-ID: " + new string('x', 129)], ["X-Request-ID: a b"], ["X-Request-ID: a,b"], ["X-Request-ID: a", "X-Request-ID: b"],
                ["X-Request-ID: <script>"], ["X-Request-ID: \u00e9"], ["X-Request-ID: a\u001b[31m"], ["X-Request-ID: a;b"], ["X-Request-ID: \"a\""],
            })
            {
                var answer = await GetAsync(stage.Node, path, headers);
                if (answer.Status == 400 && answer.Body.Length == 0) continue;   // the server itself refuses the header
                Assert.Matches("^[0-9a-f]{32}\\z", Assert.Single(answer.Headers["X-Request-ID"]));
            }
        }
    }

    [Fact]
    public async Task Errors_of_every_status_have_one_form_and_tell_nothing_about_the_inside()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        var nobody = await stage.Node.AddAccountAsync("nobody", Ct);
        foreach (var (status, code, method, path, body, account) in new (int, string, HttpMethod, string, object?, Account)[]
        {
            (400, "http.paging_not_valid", HttpMethod.Get, "/api/v1/users?limit=0", null, stage.Admin),
            (403, "authz.not_permitted", HttpMethod.Get, "/api/v1/users", null, nobody),
            (404, "http.not_found", HttpMethod.Get, "/api/v2/users", null, stage.Admin),
            (404, "users.not_found", HttpMethod.Get, "/api/v1/users/4611686018427387904", null, stage.Admin),
            (405, "http.method_not_allowed", HttpMethod.Put, "/api/v1/users", null, stage.Admin),
            (409, "roles.name_taken", HttpMethod.Post, "/api/v1/roles", new CreateRoleRequest { Name = "admin" }, stage.Admin),
            (422, "http.invalid", HttpMethod.Post, "/api/v1/roles", new CreateRoleRequest { Name = "?" }, stage.Admin),
        })
        {
            using var answer = await account.SendAsync(method, path, body, Ct);
            var problem = await Problems.RefusedAsync(answer, path, Ct, status);
            Assert.Equal(code, problem.Code);
            Assert.Equal(path.Split('?')[0], problem.Instance);
        }

        using var anonymous = await stage.Node.Http.GetAsync(new Uri("/api/v1/users", UriKind.Relative), Ct);
        Assert.Equal("authn.token_missing", (await Problems.RefusedAsync(anonymous, "anonymous", Ct, 401)).Code);
        Assert.False(anonymous.Headers.Contains("Server"));
        Assert.False(anonymous.Headers.Contains("X-Powered-By"));
    }

    // The service this one replaces hung on every JSON POST, once middleware had read the body before the handler did.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    public async Task A_body_of_any_size_chunked_or_slow_is_answered_at_once(int size)
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        var body = Encoding.ASCII.GetBytes(size < 2 ? new string('{', size) : $"{{\"permission\":{new string(' ', size - 30)}\"a:b\"}}".PadRight(size));
        var expected = size < 2 ? 400 : 200;
        string[] headers = ["Content-Type: application/json", "Authorization: Bearer " + stage.Admin.Tokens.AccessToken];

        await using (var whole = await RawHttp.ConnectAsync(stage.Node, Ct))
        {
            await whole.SendAsync(RawHttp.Head("POST", "/api/v1/authz/check", [.. headers, $"Content-Length: {size}"]), Ct);
            await whole.SendAsync(body, Ct);
            Assert.Equal(expected, (await whole.ReadAsync(Ct)).Status);
        }

        await using (var chunked = await RawHttp.ConnectAsync(stage.Node, Ct))
        {
            await chunked.SendAsync(RawHttp.Head("POST", "/api/v1/authz/check", [.. headers, "Transfer-Encoding: chunked"]), Ct);
            foreach (var chunk in body.Chunk(1_000))
            {
                await chunked.SendAsync(Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"), Ct);
                await chunked.SendAsync(chunk, Ct);
                await chunked.SendAsync("\r\n"u8.ToArray(), Ct);
            }

            await chunked.SendAsync("0\r\n\r\n"u8.ToArray(), Ct);
            Assert.Equal(expected, (await chunked.ReadAsync(Ct)).Status);
        }

        // Slow: the end of the body leaves only after another connection has been served meanwhile, several times.
        await using var slow = await RawHttp.ConnectAsync(stage.Node, Ct);
        await slow.SendAsync(RawHttp.Head("POST", "/api/v1/authz/check", [.. headers, $"Content-Length: {size}"]), Ct);
        foreach (var part in body.Chunk(Math.Max(1, size / 8)))
        {
            using var meanwhile = await stage.Node.Http.GetAsync(new Uri("/health/live", UriKind.Relative), Ct);
            Assert.True(meanwhile.IsSuccessStatusCode);
            await slow.SendAsync(part, Ct);
        }

        Assert.Equal(expected, (await slow.ReadAsync(Ct)).Status);
    }

    private static async Task<RawAnswer> GetAsync(Node node, string path, string[] headers)
    {
        await using var raw = await RawHttp.ConnectAsync(node, CancellationToken.None);
        await raw.SendAsync(RawHttp.Head("GET", path, headers), CancellationToken.None);
        return await raw.ReadAsync(CancellationToken.None);
    }
}
