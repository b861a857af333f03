using System.Text;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace AuthService.Features.Email;

/// <summary>The mails there are. Their names are those of the templates, and stand in jobs.</summary>
internal static class MailNames
{
    public const string VerifyEmail = "verify_email";
    public const string ResetPassword = "reset_password";
    public const string PasswordChanged = "password_changed";
    public const string NewDevice = "new_device";
    public const string AccountExists = "account_exists";

    /// <summary>What the templates of each may have in them.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Places = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        // No name: whoever registered chose it, and need not be who gets the mail.
        [VerifyEmail] = ["service", "link", "minutes"],
        [ResetPassword] = ["service", "name", "link", "minutes"],
        [PasswordChanged] = ["service", "name", "time"],
        [NewDevice] = ["service", "name", "time", "ip", "device"],
        [AccountExists] = ["service", "name", "url"],
    };
}

/// <summary>A template has something in it that it may not.</summary>
/// <param name="what">Which thing, and what is allowed; the file's name is the caller's to add.</param>
internal sealed class TemplateException(string what) : Exception(what);

/// <summary>
/// A mail in one language: a text, whose first line is the subject, and the same as HTML. <c>{{name}}</c> is replaced, in HTML encoded; links may also stand in
/// attributes there, in double quotes.
/// </summary>
internal sealed partial class MailTemplate
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>Ours, and addresses of the web. Anything else in an <c>href</c> might begin with <c>javascript:</c>.</summary>
    private static readonly string[] Links = ["link", "url"];

    private readonly string _subject;
    private readonly string _text;
    private readonly string _html;

    private MailTemplate(string subject, string text, string html) => (_subject, _text, _html) = (subject, text, html);

    /// <param name="text">The subject, then the text.</param>
    /// <param name="places">Names that may stand in double braces.</param>
    /// <exception cref="TemplateException">It can't be used.</exception>
    public static MailTemplate Parse(string text, string html, IReadOnlyCollection<string> places)
    {
        CheckText(text, places);
        CheckHtml(html, places);
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        return new MailTemplate(text[..end].Trim(), text[(end + 1)..].TrimStart('\r', '\n'), html);
    }

    /// <exception cref="TemplateException"/>
    public static void CheckText(string text, IReadOnlyCollection<string> places)
    {
        CheckPlaces(text, places);
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        if (end < 0 || string.IsNullOrWhiteSpace(text[..end])) throw new TemplateException("has no subject: the first line of a text is the subject");
    }

    /// <exception cref="TemplateException"/>
    public static void CheckHtml(string html, IReadOnlyCollection<string> places)
    {
        CheckPlaces(html, places);
        foreach (Match place in Place().Matches(html))
        {
            if (!IsSafe(html.AsSpan(0, place.Index), Links.Contains(place.Groups["name"].Value))) throw new TemplateException($"has {place.Value} where it can't be made safe: a place may be in text, and {{{{link}}}} or {{{{url}}}} also in the value of an attribute in double quotes");
        }
    }

    public (string Subject, string Text, string Html) Fill(IReadOnlyDictionary<string, string> values) => (
        // In one pass: what is put in is not looked at again.
        Place().Replace(_subject, m => Line(values[m.Groups["name"].Value])),
        Place().Replace(_text, m => Line(values[m.Groups["name"].Value])),
        Place().Replace(_html, m => Encoder.Encode(Line(values[m.Groups["name"].Value]))));

    /// <summary>A value on one line: whatever ends a line, or is no character of text, is a space.</summary>
    public static string Line(string value)
    {
        var line = new StringBuilder(value.Length);
        foreach (var rune in value.EnumerateRunes())   // half a pair becomes U+FFFD
        {
            // The marks that turn the direction of writing would let a name rewrite the line around it.
            var isText = !Rune.IsControl(rune) && rune.Value is not (0x2028 or 0x2029 or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069));
            line.Append(isText ? rune.ToString() : " ");
        }

        return line.ToString();
    }

    private static void CheckPlaces(string template, IReadOnlyCollection<string> places)
    {
        var rest = Place().Replace(template, m => places.Contains(m.Groups["name"].Value) ? "" : throw new TemplateException($"has the unknown place {m.Value}; allowed: {string.Join(", ", places.Select(p => "{{" + p + "}}"))}"));
        if (rest.Contains("{{", StringComparison.Ordinal) || rest.Contains("}}", StringComparison.Ordinal)) throw new TemplateException($"has double braces that enclose no name; allowed: {string.Join(", ", places.Select(p => "{{" + p + "}}"))}");
    }

    /// <summary>Whether what follows is text, or a link inside of double quotes in a tag; in neither a script nor a style nor a comment.</summary>
    private static bool IsSafe(ReadOnlySpan<char> before, bool isLink)
    {
        while (true)
        {
            var open = before.IndexOf('<');
            if (open < 0) return true;
            before = before[open..];
            if (before.StartsWith("<!--"))
            {
                if (!Skip(ref before, "-->")) return false;
                continue;
            }

            var (isScript, isStyle) = (before.StartsWith("<script", StringComparison.OrdinalIgnoreCase), before.StartsWith("<style", StringComparison.OrdinalIgnoreCase));
            if (EndOfTag(before) is not { } end) return isLink && !isScript && !isStyle && IsInDoubleQuotes(before);
            before = before[end..];
            if (isScript && !Skip(ref before, "</script")) return false;
            if (isStyle && !Skip(ref before, "</style")) return false;
        }
    }

    private static bool Skip(ref ReadOnlySpan<char> text, string end)
    {
        var at = text.IndexOf(end, StringComparison.OrdinalIgnoreCase);
        if (at < 0) return false;
        text = text[(at + end.Length)..];
        return true;
    }

    /// <returns>Behind the tag that <paramref name="text"/> begins with; null: it goes on.</returns>
    private static int? EndOfTag(ReadOnlySpan<char> text)
    {
        var quote = '\0';
        for (var i = 1; i < text.Length; i++)
        {
            if (quote != '\0') quote = text[i] == quote ? '\0' : quote;
            else if (text[i] is '"' or '\'') quote = text[i];
            else if (text[i] == '>') return i + 1;
        }

        return null;
    }

    private static bool IsInDoubleQuotes(ReadOnlySpan<char> tag)
    {
        var quote = '\0';
        for (var i = 1; i < tag.Length; i++)
        {
            if (quote != '\0') quote = tag[i] == quote ? '\0' : quote;
            else if (tag[i] is '"' or '\'') quote = tag[i];
        }

        return quote == '"';
    }

    [GeneratedRegex(@"\{\{(?<name>[a-z_]+)\}\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Place();
}
