using System.Text;
using System.Text.Json.Nodes;
using AuthService.Http;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Http;

/// <summary>What of a request may stand in a log. Everything here goes for bodies in both directions.</summary>
public class ClientTextTests
{
    // A letter that nothing else in these texts has: one of it in a log is a part of a secret.
    private const char Mark = 'Q';

    private static readonly string[] SecretNames =
        ["password", "new_password", "currentPassword", "access_token", "refresh_token", "REFRESH-TOKEN", "token", "password_hash", "api_key", "X-API-Key", "key", "cookie", "Set-Cookie",
         "Authorization", "client_secret", "otp", "value"];

    private static readonly string[] PlainNames = ["email", "username", "code", "id", "items", "permission", "a", "\u00e9\u001b[31m"];

    // Without the skip of what stands under a name of that kind, or with anything copied after the last whole token, this fails.
    [Fact]
    public void No_part_of_a_secret_comes_out_wherever_it_stands_and_wherever_the_text_ends()
    {
        var cases = from node in Gen.Sized(size => Node(Math.Min(size, 4)))
                    from cap in Gen.Choose(0, 400)
                    select (Json: node.ToJsonString(), Cap: cap);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000), Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var bytes = Encoding.UTF8.GetBytes(c.Json);
            var cut = bytes.AsSpan(0, Math.Min(c.Cap, bytes.Length));
            var shown = ClientText.Json(cut, isWhole: cut.Length == bytes.Length);
            return !shown.Contains(Mark, StringComparison.Ordinal) && shown.All(ch => ch is >= ' ' and <= '~') && (cut.Length < bytes.Length || !shown.EndsWith(ClientText.CutOff, StringComparison.Ordinal));
        }));
    }

    // Names that are written otherwise are the same names.
    [Theory]
    [InlineData("""{"pass\u0077ord":"QQ"}""")]
    [InlineData("""{"PASSWORD":"QQ"}""")]
    [InlineData("""{"a":[{"b":{"access_token":["QQ",{"c":"QQ"}]}}]}""")]
    [InlineData("""{"password":QQ}""")]
    [InlineData("""{"password":"a","password":"QQ"}""")]
    [InlineData("""{"password" "QQ"}""")]
    [InlineData("""password=QQ""")]
    [InlineData("""{"a":"\ud800 QQ"}""")]
    [InlineData("\"QQ\"")]
    [InlineData("""{"note":"eyJhbGciQQ.eyJQQ.QQ"}""")]
    [InlineData("""{"note":"rt1_QQ"}""")]
    [InlineData("""{"note":"$argon2id$v=19$QQ"}""")]
    [InlineData("""{"rt1_QQ":1}""")]
    public void What_is_written_otherwise_is_found_as_well(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        for (var length = 0; length <= bytes.Length; length++)
        {
            Assert.DoesNotContain("Q", ClientText.Json(bytes.AsSpan(0, length), isWhole: length == bytes.Length), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_rest_is_told_as_it_was()
    {
        const string json = """{"email":"a@b.example","n":[1,-2.5e3,true,null],"o":{"permission":"a:b"}}""";
        Assert.Equal(json, ClientText.Json(Encoding.UTF8.GetBytes(json), isWhole: true));
        Assert.Equal("""{"email":"a@b.example","n":[1,-2.5e3...""", ClientText.Json(Encoding.UTF8.GetBytes(json).AsSpan(0, 37), isWhole: false));
        Assert.Equal("""{"password":"***","a":1}""", ClientText.Json("""{"password":{"x":[1,2]},"a":1}"""u8, isWhole: true));
    }

    // T77. Without Ascii a line feed, or what a terminal obeys, would get into the log as it is.
    [Theory]
    [InlineData("?a=b", "?a=b")]
    [InlineData("?token=QQ&limit=5", "?token=***&limit=5")]
    [InlineData("?access%5Ftoken=QQ", "?access%5Ftoken=***")]
    [InlineData("?limit=1&eyJQQ", "?limit=1&***")]
    [InlineData("?q=rt1_QQ", "?q=***")]
    [InlineData("?a=\u001b[31m\r\n\u202e", @"?a=\u001b[31m\u000d\u000a\u202e")]
    [InlineData("", "")]
    public void A_query_is_told_without_secrets_on_one_line(string query, string expected) => Assert.Equal(expected, ClientText.Query(query));

    [Theory]
    [InlineData("/api/v1/users/5", "/api/v1/users/5")]
    [InlineData("/a\r\nb\u001b[31m", "/a%0D%0Ab%1B%5B31m")]
    [InlineData("/reset/eyJQQ.QQ", "/reset/***")]
    [InlineData("/reset/rt1_QQ/a b", "/reset/***/a%20b")]
    public void So_is_a_path(string path, string expected) => Assert.Equal(expected, ClientText.Path(path));

    [Fact]
    public void Both_have_an_end()
    {
        Assert.True(ClientText.Query("?a=" + new string('a', 5_000)).Length < 300);
        Assert.True(ClientText.Path("/" + new string('a', 5_000)).Length < 300);
    }

    private static Gen<JsonNode> Node(int depth)
    {
        var scalar = Gen.Elements<Func<JsonNode>>(() => 1, () => true, () => "plain \u001b[31m \u00e9\r\n", () => "", () => -2.5).Select(make => make());
        if (depth == 0) return scalar.Select(JsonNode (s) => new JsonObject { ["a"] = s });
        var secret = from name in Gen.Elements(SecretNames)
                     from length in Gen.Choose(1, 60)
                     from kind in Gen.Choose(0, 3)
                     select (name, value: Secret(kind, length));
        var plain = from name in Gen.Elements(PlainNames)
                    from value in Gen.OneOf(scalar, Node(depth - 1))
                    select (name, value);
        var members = Gen.OneOf(secret, plain).ListOf(4);
        return Gen.OneOf(
            members.Select(JsonNode (list) => new JsonObject(list.DistinctBy(m => m.Item1).Select(m => KeyValuePair.Create(m.Item1, (JsonNode?)m.Item2.DeepClone())))),
            Node(depth - 1).ListOf(3).Select(JsonNode (list) => new JsonArray([.. list.Select(n => n.DeepClone())])));
    }

    private static JsonNode Secret(int kind, int length)
    {
        var text = new string(Mark, length);
        return kind switch { 0 => text, 1 => new JsonArray(text, text), 2 => new JsonObject { ["a"] = text, [text] = 1 }, _ => "\"\\ \r\n\u00e9" + text };
    }
}
