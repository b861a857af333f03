using System.Text;
using System.Text.RegularExpressions;

namespace IntegrationTests.Features.Email;

/// <summary>A mail as it came in, read by a few lines of our own: headers, the two alternatives, the token of its link.</summary>
internal sealed partial record ReceivedMail(string Raw, string To, string Subject, string Text, string Html)
{
    public string? Token => Link().Match(Text) is { Success: true } match ? match.Groups["token"].Value : null;

    public static ReceivedMail Read(string file)
    {
        var raw = File.ReadAllText(file, Encoding.UTF8).ReplaceLineEndings("\n");
        var headers = raw[..raw.IndexOf("\n\n", StringComparison.Ordinal)].Replace("\n ", " ", StringComparison.Ordinal);
        var parts = Part().Matches(raw).Select(m => Decoded(m.Groups["headers"].Value, m.Groups["body"].Value)).ToList();
        return new ReceivedMail(raw, Header(headers, "To"), DecodedWords(Header(headers, "Subject")), parts[0], parts[1]);
    }

    private static string Header(string headers, string name) => Regex.Match(headers, $"^{name}: (?<value>.*)$", RegexOptions.Multiline | RegexOptions.IgnoreCase, TimeSpan.FromSeconds(1)).Groups["value"].Value.Trim();

    private static string Decoded(string headers, string body) =>
        headers.Contains("quoted-printable", StringComparison.OrdinalIgnoreCase) ? Unquoted(body.Replace("=\n", "", StringComparison.Ordinal)) : body;

    private static string DecodedWords(string text) => EncodedWord().Replace(text, m =>
        m.Groups["form"].Value is "B" or "b" ? Encoding.UTF8.GetString(Convert.FromBase64String(m.Groups["text"].Value)) : Unquoted(m.Groups["text"].Value.Replace('_', ' ')));

    private static string Unquoted(string text)
    {
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '=') (i, _) = (i + 2, Add(Convert.ToByte(text.Substring(i + 1, 2), 16)));
            else bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
        }

        return Encoding.UTF8.GetString([.. bytes]);

        bool Add(byte b)
        {
            bytes.Add(b);
            return true;
        }
    }

    [GeneratedRegex(@"#(?<token>[A-Za-z0-9_-]{43})\s", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Link();

    [GeneratedRegex(@"^content-type: text/(?:plain|html)(?<headers>.*?)\n\n(?<body>.*?)(?=\n--)", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Part();

    [GeneratedRegex(@"=\?utf-8\?(?<form>[BbQq])\?(?<text>[^?]*)\?=\s?", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex EncodedWord();
}
