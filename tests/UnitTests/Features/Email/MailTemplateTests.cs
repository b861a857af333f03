using System.Text.RegularExpressions;
using AuthService.Features.Email;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Features.Email;

public class MailTemplateTests
{
    private static readonly string[] Places = ["name", "link"];

    // Leave out the encoder, or encode nothing but < and >, and this fails.
    [Fact]
    public void No_value_escapes_from_HTML() => Prop.ForAll(Values(), value =>
    {
        var template = MailTemplate.Parse("s\nt", "<p>{{name}}</p><a href=\"{{link}}\">x</a>", Places);
        var html = template.Fill(Named(value)).Html;
        // What is between the marks of the template has no mark of its own, and says the value when it is read as HTML.
        var found = Regex.Match(html, """\A<p>(?<text>[^<>"']*)</p><a href="(?<link>[^<>"']*)">x</a>\z""", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        return found.Success && System.Net.WebUtility.HtmlDecode(found.Groups["text"].Value) == MailTemplate.Line(value) && System.Net.WebUtility.HtmlDecode(found.Groups["link"].Value) == MailTemplate.Line(value);
    }).QuickCheckThrowOnFailure();

    // T77. Put the value in as it is, and a line break in a name begins a header, or a line that looks like ours.
    [Fact]
    public void No_value_ends_a_line_of_headers_or_of_text() => Prop.ForAll(Values(), value =>
    {
        var (subject, text, _) = MailTemplate.Parse("for {{name}}\nHello {{name}},\nbye", "", Places).Fill(Named(value));
        return !subject.Any(char.IsControl) && !MimeMail.OneLine(subject).Any(char.IsControl) && text.Split('\n', '\r', '\u2028', '\u2029', '\u0085').Length == 2;
    }).QuickCheckThrowOnFailure();

    // Replace one place after the other, and a name that is called {{link}} gets the link.
    [Fact]
    public void A_value_is_not_looked_at_again()
    {
        var (_, text, html) = MailTemplate.Parse("s\n{{name}} {{link}}", "{{name}}", Places).Fill(new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = "{{link}}", ["link"] = "secret" });
        Assert.Equal("{{link}} secret", text);
        Assert.Equal("{{link}}", html);
    }

    [Theory]
    [InlineData("<p>{{nane}}</p>", "{{nane}}")]
    [InlineData("<p>{{ name }}</p>", "double braces")]
    [InlineData("<a title={{link}}>", "can't be made safe")]          // without quotes a space ends the value
    [InlineData("<a title='{{link}}'>", "can't be made safe")]
    [InlineData("<a href=\"{{name}}\">", "can't be made safe")]        // javascript:
    [InlineData("<{{name}}>", "can't be made safe")]
    [InlineData("<script>var a = \"{{name}}\"</script>", "can't be made safe")]
    [InlineData("<style>a { color: {{name}} }</style>", "can't be made safe")]
    [InlineData("<!-- {{name}} -->", "can't be made safe")]
    [InlineData("<script", null)]
    [InlineData("<!-- \" --><p title='>'>{{name}}</p><a class='x' href=\"{{link}}\">{{link}}</a>", null)]
    [InlineData("<style>p > a { color: red }</style><script>1 < 2</script>{{name}}", null)]
    public void A_place_in_HTML_is_where_it_can_be_made_safe(string html, string? refused)
    {
        if (refused is null) MailTemplate.CheckHtml(html, Places);
        else Assert.Contains(refused, Assert.Throws<TemplateException>(() => MailTemplate.CheckHtml(html, Places)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("only one line")]
    [InlineData("\nno subject")]
    public void A_text_begins_with_its_subject(string text) =>
        Assert.Contains("subject", Assert.Throws<TemplateException>(() => MailTemplate.CheckText(text, Places)).Message, StringComparison.Ordinal);

    private static Dictionary<string, string> Named(string value) => new(StringComparer.Ordinal) { ["name"] = value, ["link"] = value };

    private static Arbitrary<string> Values() =>
        Gen.OneOf(ArbMap.Default.ArbFor<string?>().Generator.Select(s => s ?? ""),
            Gen.Elements("<", ">", "\"", "'", "&", "\r\n", "\n", "\u2028", "\u0085", "\0", "{{link}}", "\ud800", "한", "javascript:", "-->", "</p>", "&lt;", "\u202e", " ").ArrayOf().Select(string.Concat)).ToArbitrary();
}
