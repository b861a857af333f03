using AuthService.Http;

namespace UnitTests.Http;

public class IfMatchTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("*", null)]
    [InlineData("\"1\"", 1L)]
    [InlineData("\"9223372036854775807\"", 9223372036854775807L)]
    [InlineData("\"007\"", 7L)]
    // A tag we never gave: matches no version.
    [InlineData("1", -1L)]
    [InlineData("W/\"1\"", -1L)]
    [InlineData("\"\"", -1L)]
    [InlineData("\"", -1L)]
    [InlineData("\"-1\"", -1L)]
    [InlineData("\"+1\"", -1L)]
    [InlineData("\" 1\"", -1L)]
    [InlineData("\"1\", \"2\"", -1L)]
    [InlineData("\"1\"x", -1L)]
    [InlineData("\"9223372036854775808\"", -1L)]
    [InlineData("\"\u0661\"", -1L)]   // a digit, but not one of ours
    [InlineData("**", -1L)]
    public async Task The_header_names_a_version_any_or_none_that_exists(string? header, long? version)
    {
        var context = new DefaultHttpContext();
        if (header is not null) context.Request.Headers.IfMatch = header;
        Assert.Equal(version, (await IfMatch.BindAsync(context, null!))!.Version);
    }

    [Fact]
    public async Task The_tag_an_answer_carries_is_read_back()
    {
        var context = new DefaultHttpContext();
        context.Response.SetVersion(42);
        context.Request.Headers.IfMatch = context.Response.Headers.ETag;
        Assert.Equal(42, (await IfMatch.BindAsync(context, null!))!.Version);
    }
}
