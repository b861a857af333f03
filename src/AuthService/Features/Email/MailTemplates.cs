using System.Globalization;
using System.Text;
using AuthService.Installation;

namespace AuthService.Features.Email;

/// <summary>Every mail in every language: those the service brings along, replaced and added to by those of <see cref="EmailOptions.TemplatesFolder"/>. Read once, at start.</summary>
internal sealed class MailTemplates
{
    private const int LongestFile = 100_000;
    private const int MostLanguages = 100;
    private const int LongestAcceptLanguage = 200;

    private static readonly string[] BuiltIn = ["en", "ko"];

    private readonly Dictionary<string, Dictionary<string, MailTemplate>> _byLanguage = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _defaultLanguage;

    /// <exception cref="SettingsException">A template can't be used; names its file.</exception>
    public MailTemplates(EmailOptions options)
    {
        foreach (var language in BuiltIn)
        {
            _byLanguage[language] = MailNames.Places.ToDictionary(m => m.Key, m => MailTemplate.Parse(Embedded($"{language}/{m.Key}.txt"), Embedded($"{language}/{m.Key}.html"), m.Value), StringComparer.Ordinal);
        }

        if (!EmailOptions.IsNone(options.TemplatesFolder)) ReadFolder(options.TemplatesFolder);
        if (!_byLanguage.ContainsKey(options.DefaultLanguage)) throw new SettingsException($"Email:DefaultLanguage = '{options.DefaultLanguage}' is not valid: there are templates for {string.Join(", ", Languages)}.");
        _defaultLanguage = options.DefaultLanguage;
    }

    public IEnumerable<string> Languages => _byLanguage.Keys.Order(StringComparer.Ordinal);

    /// <param name="language">One that is not there any more is the default one.</param>
    public MailTemplate Of(string mail, string language) => (_byLanguage.GetValueOrDefault(language) ?? _byLanguage[_defaultLanguage])[mail];

    /// <summary>The language of <c>Accept-Language</c> (RFC 9110, 12.5.4) that there are templates for; the default one where there is none, or nothing that can be read.</summary>
    public string LanguageFor(string? accepted)
    {
        if (string.IsNullOrEmpty(accepted) || accepted.Length > LongestAcceptLanguage) return _defaultLanguage;
        var (best, bestWeight) = (_defaultLanguage, 0.0);
        foreach (var item in accepted.Split(','))
        {
            var parts = item.Split(';', StringSplitOptions.TrimEntries);
            var weight = 1.0;
            if (parts.Length > 1 && !(parts[1].StartsWith("q=", StringComparison.OrdinalIgnoreCase) && double.TryParse(parts[1].AsSpan(2), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out weight))) continue;
            if (weight > bestWeight && weight <= 1 && Known(parts[0]) is { } language) (best, bestWeight) = (language, weight);
        }

        return best;
    }

    /// <summary>ko-KR is ko where there are no templates for it of its own.</summary>
    private string? Known(string range)
    {
        for (var language = range; ; language = language[..language.LastIndexOf('-')])
        {
            if (_byLanguage.ContainsKey(language)) return _byLanguage.Keys.First(k => string.Equals(k, language, StringComparison.OrdinalIgnoreCase));
            if (!language.Contains('-', StringComparison.Ordinal)) return null;
        }
    }

    private void ReadFolder(string folder)
    {
        if (!Directory.Exists(folder)) throw new SettingsException($"Email:TemplatesFolder = '{folder}' is not valid: no such folder.");
        var languages = Directory.GetDirectories(folder);
        if (languages.Length > MostLanguages) throw new SettingsException($"Email:TemplatesFolder = '{folder}' is not valid: more than {MostLanguages} languages.");
        foreach (var path in languages.Order(StringComparer.Ordinal)) ReadLanguage(path);
    }

    private void ReadLanguage(string path)
    {
        var language = Path.GetFileName(path);
        if (language.Length is 0 or > 35 || !language.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')) throw Wrong(path, "is no language, such as de or pt-BR");
        foreach (var file in Directory.GetFiles(path).Order(StringComparer.Ordinal))
        {
            if (Path.GetExtension(file) is ".txt" or ".html" && MailNames.Places.ContainsKey(Path.GetFileNameWithoutExtension(file))) continue;
            throw Wrong(file, $"is no template; there are {string.Join(", ", MailNames.Places.Keys)}, each as .txt and .html");
        }

        var isNew = !_byLanguage.TryGetValue(language, out var templates);
        templates ??= new Dictionary<string, MailTemplate>(StringComparer.Ordinal);
        foreach (var (mail, places) in MailNames.Places)
        {
            var (text, html) = (Path.Combine(path, mail + ".txt"), Path.Combine(path, mail + ".html"));
            if (!isNew && !File.Exists(text) && !File.Exists(html)) continue;   // the one that comes along stays
            var (readText, readHtml) = (Read(text), Read(html));
            Checked(text, () => MailTemplate.CheckText(readText, places));
            Checked(html, () => MailTemplate.CheckHtml(readHtml, places));
            templates[mail] = MailTemplate.Parse(readText, readHtml, places);
        }

        _byLanguage[language] = templates;
    }

    private static string Read(string file)
    {
        if (!File.Exists(file)) throw Wrong(file, "is missing: a mail is text and HTML, and a new language has all of them");
        if (new FileInfo(file).Length > LongestFile) throw Wrong(file, $"has more than {LongestFile} bytes");
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(file)).TrimStart('\uFEFF');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Wrong(file, "can't be read as UTF-8");
        }
    }

    private static void Checked(string file, Action check)
    {
        try
        {
            check();
        }
        catch (TemplateException e)
        {
            throw Wrong(file, e.Message);
        }
    }

    private static SettingsException Wrong(string file, string what) => new($"Email:TemplatesFolder: {file} {what}.");

    private static string Embedded(string name)
    {
        using var stream = typeof(MailTemplates).Assembly.GetManifestResourceStream($"Features/Email/Templates/{name}") ?? throw new InvalidOperationException($"No embedded template '{name}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
