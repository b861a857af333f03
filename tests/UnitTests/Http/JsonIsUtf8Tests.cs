using AuthService.Http;

namespace UnitTests.Http;

public class JsonIsUtf8Tests
{
    [Theory]
    [InlineData(null, true)]
    [InlineData("application/json", true)]
    [InlineData("application/json; charset=utf-8", true)]
    [InlineData("application/json;charset=\"UTF-8\"", true)]
    [InlineData("application/json; charset=utf8", false)]   // no registered name
    [InlineData("application/json; charset=utf-16", false)]
    [InlineData("application/json; charset=iso-8859-1", false)]
    [InlineData("application/json; charset=klingon", false)]
    [InlineData("application/json; x=charset", true)]
    [InlineData("nonsense charset", true)]   // no content type at all: the framework's 415
    public async Task Only_utf_8_passes(string? contentType, bool passes)
    {
        var passed = false;
        var context = new DefaultHttpContext();
        context.Request.ContentType = contentType;
        await new JsonIsUtf8(_ => { passed = true; return Task.CompletedTask; }).InvokeAsync(context);
        Assert.Equal(passes, passed);
        Assert.Equal(passes ? 200 : 415, context.Response.StatusCode);
    }
}
