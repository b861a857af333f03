using System.Text;
using System.Text.Json.Nodes;
using AuthService.Features.Users;

namespace IntegrationTests.Http;

/// <summary>
/// T62, T73, T74: whatever is sent as a body, to whichever operation takes one, is answered with a 4xx problem and leaves every table as it
/// was. Generated from the node's description: members, types, required ones.
/// </summary>
public class BadBodiesTests(Servers servers) : IClassFixture<Servers>
{
    // What an attacker would like to be a member (CVE-2025-61928).
    private static readonly string[] Wishes =
        ["user_id", "owner", "owner_id", "roles", "role", "permissions", "org", "organization", "tenant", "is_active", "is_admin", "is_system", "id", "email_verified",
         "password_hash", "version", "granted_by", "deleted_at", "$type", "__proto__"];

    private CancellationToken Ct => servers.TestTimeout;

    // UnmappedMemberHandling.Disallow: without it the unknown members are taken in silence, and this fails. AllowDuplicateProperties = false:
    // without it the repeated ones are.
    [Fact]
    public async Task A_body_that_is_not_the_one_described_is_refused_and_stores_nothing()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var operation in stage.WithBody)
            foreach (var (what, body) in BadJson(operation))
            {
                await stage.RefusedAsync(operation, what, Json(body), 400);
            }

        await stage.AssertNothingStoredAsync();
    }

    [Fact]
    public async Task A_member_that_is_missing_or_empty_where_it_is_needed_is_named()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var operation in stage.WithBody)
            foreach (var member in Needed(operation))
                foreach (var (what, change) in new (string, Action<JsonObject>)[]
                {
            ("missing", body => body.Remove(member)),
            ("null", body => body[member] = null),
            ("with nothing in it", body => body[member] = operation.TypesOf(operation.Members![member]).Contains("array") ? new JsonArray((JsonNode?)null) : null),
            ("empty", body => body[member] = operation.TypesOf(operation.Members![member]).Contains("array") ? new JsonArray() : ""),
                })
                {
                    if (what is ("with nothing in it" or "empty") && operation.TakesAnything(operation.Members![member])) continue;
                    var body = operation.ValidBody()!;
                    change(body);
                    var problem = await stage.RefusedAsync(operation, $"{member} {what}", Json(body.ToJsonString()), 422);
                    Assert.Equal("http.invalid", problem.Code);
                    Assert.Contains(problem.Errors!, e => e.Pointer == "/" + member);
                }

        await stage.AssertNothingStoredAsync();
    }

    [Fact]
    public async Task A_body_in_another_format_is_refused()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var operation in stage.WithBody)
        {
            var valid = operation.ValidBody()!.ToJsonString();
            foreach (var type in new[]
            {
                "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
                "application/octet-stream", "application/jsonp", "nonsense", null,
            })
            {
                await stage.RefusedAsync(operation, $"content type {type ?? "missing"}", Content(Encoding.UTF8.GetBytes(valid), type), 415);
            }

            // Declared as something that UTF-8 is not.
            await stage.RefusedAsync(operation, "UTF-16 sent as UTF-8", Content(Encoding.Unicode.GetBytes(valid), "application/json"), 400);
            await stage.RefusedAsync(operation, "unknown charset", Content(Encoding.UTF8.GetBytes(valid), "application/json; charset=klingon"), 415);
            await stage.RefusedAsync(operation, "quoted charset: read, and malformed", Content("{"u8.ToArray(), "application/json; charset=\"UTF-8\""), 400);
            await stage.RefusedAsync(operation, "UTF-16", Content(Encoding.Unicode.GetBytes(valid), "application/json; charset=utf-16"), 415);
            await stage.RefusedAsync(operation, "gzip that isn't understood", Content([0x1f, 0x8b, 8, 0, 0, 0, 0, 0], "application/json"), 400);
        }

        await stage.AssertNothingStoredAsync();
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_also_if_its_length_is_not_told()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var operation in stage.WithBody)
        {
            var limit = operation.Path.EndsWith("/bulk", StringComparison.Ordinal) ? BulkUsers.MaxBodyBytes : 1_048_576;
            var over = Encoding.UTF8.GetBytes(new string(' ', limit) + "{}");   // white space: a parser that stops early would not see the end
            byte[] chunked = [.. Encoding.ASCII.GetBytes($"{over.Length:x}\r\n"), .. over, .. "\r\n0\r\n\r\n"u8];
            foreach (var (headers, body) in new (string[], byte[])[] { ([$"Content-Length: {over.Length}"], over), (["Transfer-Encoding: chunked"], chunked) })
            {
                await using var raw = await RawHttp.ConnectAsync(stage.Node, Ct);
                await raw.SendAsync(RawHttp.Head(operation.Method.Method, await stage.PathAsync(operation),
                    ["Content-Type: application/json", "Authorization: Bearer " + stage.Admin.Tokens.AccessToken, .. headers]), Ct);
                var sending = raw.SendAsync(body, Ct);   // may be cut off: the answer doesn't wait for it
                var answer = await raw.ReadAsync(Ct);
                await sending;
                Assert.True(answer.Status == 413, $"{operation} {headers[0]}: {answer.Status} {answer.Body}");
                Assert.Contains("\"http.too_large\"", answer.Body, StringComparison.Ordinal);
                Assert.Contains(Assert.Single(answer.Headers["X-Request-ID"]), answer.Body, StringComparison.Ordinal);
            }
        }

        await stage.AssertNothingStoredAsync();
    }

    // PostgreSQL can't store U+0000 in text, and half a surrogate pair is no text at all. Without the check in SqlParameters.Of the texts
    // that no pattern guards (the address of a log-in) came out as 503.
    [Fact]
    public async Task Texts_that_no_database_takes_are_no_reason_to_fail()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var operation in stage.WithBody)
            foreach (var (member, schema) in operation.Members!)
            {
                if (!operation.TypesOf(schema).Contains("string")) continue;
                foreach (var text in new[] { @"a\u0000b", @"ann\u0000a@example.org", @"a\ud800", @"\ud83d\ude00", @"a\u202eb", @"a\u001b[31m" })
                {
                    var body = operation.ValidBody()!;
                    body[member] = "@@";
                    using var content = Json(body.ToJsonString().Replace("@@", text, StringComparison.Ordinal));
                    using var answer = await stage.SendAsync(operation, content);
                    var said = await answer.Content.ReadAsStringAsync(Ct);
                    Assert.True((int)answer.StatusCode < 500, $"{operation} {member} = {text}: {(int)answer.StatusCode} {said}");
                    if ((int)answer.StatusCode >= 400) await Problems.RefusedAsync(answer, $"{operation} {member} = {text}", Ct);
                }
            }
    }

    [Fact]
    public async Task Numbers_beyond_every_type_are_refused()
    {
        await using var stage = await Stage.SetAsync(servers, Ct);
        foreach (var operation in stage.WithBody)
            foreach (var (member, schema) in operation.Members!)
            {
                if (!operation.TypesOf(schema).Contains("integer")) continue;
                foreach (var number in new[] { "9223372036854775808", "-9223372036854775809", "1e400", "1.5", new string('9', 5_000), "1e-400", "\"1\"", "01", "+1", "0x10", "NaN", "Infinity" })
                {
                    var body = operation.ValidBody()!;
                    body[member] = "@@";
                    await stage.RefusedAsync(operation, $"{member} = {number}", Json(body.ToJsonString().Replace("\"@@\"", number, StringComparison.Ordinal)), 400);
                }
            }

        await stage.AssertNothingStoredAsync();
    }

    private static IEnumerable<(string What, byte[] Body)> BadJson(Operation operation)
    {
        var valid = operation.ValidBody()!.ToJsonString();
        foreach (var text in new[]
        {
            "", " ", "{", "}", "[", "{\"", valid[..^1], valid + "x", valid + valid, "null", "[]", $"[{valid}]", "\"text\"", "1", "true", "{\"a\"}", "{a:1}", "{'a':'b'}",
            valid[..^1] + ",}", "/**/" + valid, valid + "//", "\u0000" + valid, "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
            string.Concat(Enumerable.Repeat("{\"a\":", 10_000)),
        })
        {
            yield return (Shown(text), Encoding.UTF8.GetBytes(text));
        }

        foreach (var wish in Wishes.Where(w => !operation.Members!.ContainsKey(w)))
            foreach (var value in new[] { "1", "[\"admin\"]" })
            {
                yield return ($"unknown {wish} = {value}", Encoding.UTF8.GetBytes($"{valid[..^1]}{(valid == "{}" ? "" : ",")}\"{wish}\":{value}}}"));
            }

        foreach (var (member, schema) in operation.Members!)
        {
            var types = operation.TypesOf(schema);
            foreach (var (type, value) in new[] { ("string", "\"text\""), ("integer", "7"), ("boolean", "true"), ("object", "{}"), ("array", "[]"), ("array", "[[]]"), ("array", "[1]") })
            {
                // A list of the wrong things is wrong too, an empty one is for validation.
                if (operation.TakesAnything(schema) || (types.Contains(type) && value != "[[]]" && value != "[1]")) continue;
                yield return ($"{member} = {value}", With(operation, member, value));
            }

            if (!operation.TakesAnything(schema)) yield return ($"{member} = -0.0e-1", With(operation, member, "-0.0e-1"));
            yield return ($"{member} twice", Encoding.UTF8.GetBytes($"{valid[..^1]},\"{member}\":null}}"));
            yield return ($"{member} in capitals", Encoding.UTF8.GetBytes(valid.Replace($"\"{member}\"", $"\"{member.ToUpperInvariant()}\"", StringComparison.Ordinal)));
            // 32 levels is what there is: the member itself is the second.
            yield return ($"{member} too deep", With(operation, member, new string('[', 33) + new string(']', 33)));
            if (types.Contains("string"))
            {
                yield return ($"{member} = invalid UTF-8", Replace(operation, member, [0xff, 0xfe]));
                yield return ($"{member} = overlong UTF-8", Replace(operation, member, [0xc0, 0x80]));
                yield return ($"{member} = UTF-8 of a surrogate", Replace(operation, member, [0xed, 0xa0, 0x80]));
                yield return ($"{member} = UTF-8 cut short", Replace(operation, member, [0xe2, 0x82]));
            }
        }
    }

    private static byte[] With(Operation operation, string member, string value)
    {
        var body = operation.ValidBody()!;
        body[member] = "@@";
        return Encoding.UTF8.GetBytes(body.ToJsonString().Replace("\"@@\"", value, StringComparison.Ordinal));
    }

    private static byte[] Replace(Operation operation, string member, byte[] bytes)
    {
        var body = operation.ValidBody()!;
        body[member] = "@@";
        var parts = body.ToJsonString().Split("@@");
        return [.. Encoding.UTF8.GetBytes(parts[0]), .. bytes, .. Encoding.UTF8.GetBytes(parts[1])];
    }

    /// <summary>Members without which the operation does not work: those a null can't stand for.</summary>
    private static IEnumerable<string> Needed(Operation operation) =>
        operation.Members!.Where(m => !operation.TypesOf(m.Value).Contains("null")).Select(m => m.Key);

    private static string Shown(string text) => text.Length > 60 ? text[..60] + "…" : text;

    private static ByteArrayContent Json(string text) => Json(Encoding.UTF8.GetBytes(text));

    private static ByteArrayContent Json(byte[] bytes) => Content(bytes, "application/json");

    private static ByteArrayContent Content(byte[] bytes, string? type)
    {
        var content = new ByteArrayContent(bytes);
        if (type is not null) content.Headers.TryAddWithoutValidation("Content-Type", type);
        return content;
    }
}
