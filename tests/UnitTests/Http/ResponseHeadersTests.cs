using AuthService.Http;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Primitives;

namespace UnitTests.Http;

public class ResponseHeadersTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("0190-AB_c.d")]
    [InlineData("018f3a52-0000-7000-8000-000000000001")]
    public async Task A_safe_request_id_is_kept(string id) => Assert.Equal(id, await IdOfAsync(id));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a\nb")]
    [InlineData("a\u001b[31m")]
    [InlineData("\u00e9")]
    [InlineData("{\"a\":1}")]
    [InlineData("a", "b")]
    [InlineData("a", "a")]
    public async Task Any_other_is_replaced(params string[] ids) => Assert.Matches("^[0-9a-f]{32}\\z", await IdOfAsync(new StringValues(ids)));

    [Fact]
    public async Task The_longest_has_128_characters()
    {
        Assert.Equal(new string('x', 128), await IdOfAsync(new string('x', 128)));
        Assert.NotEqual(new string('x', 129), await IdOfAsync(new string('x', 129)));
    }

    // Ids go into logs, tables and answers as they are. Let one character more through and this finds it.
    [Fact]
    public void What_comes_out_is_always_safe_to_write_anywhere()
    {
        var texts = Gen.Elements("aZ09-_. \t\n,;<\"\u00e9\u0661\0".ToCharArray()).ListOf().Select(list => new string([.. list])).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(texts, sent =>
            IdOfAsync(sent).GetAwaiter().GetResult() is { Length: > 0 and <= 128 } id && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')));
    }

    private static async Task<string> IdOfAsync(StringValues sent)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers["X-Request-ID"] = sent;
        await new ResponseHeaders(_ => Task.CompletedTask).InvokeAsync(context);
        Assert.Equal(context.TraceIdentifier, context.Response.Headers["X-Request-ID"].ToString());
        Assert.Equal("nosniff", context.Response.Headers.XContentTypeOptions.ToString());
        return context.TraceIdentifier;
    }
}
