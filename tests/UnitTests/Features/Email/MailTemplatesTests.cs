using AuthService.Features.Email;
using AuthService.Installation;

namespace UnitTests.Features.Email;

public sealed class MailTemplatesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mail-templates").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void English_and_Korean_come_along_and_say_different_things()
    {
        var templates = new MailTemplates(new EmailOptions());
        Assert.Equal(["en", "ko"], templates.Languages);
        foreach (var (mail, places) in MailNames.Places)
        {
            var values = places.ToDictionary(p => p, p => $"<{p}>", StringComparer.Ordinal);
            var (english, korean) = (templates.Of(mail, "en").Fill(values), templates.Of(mail, "ko").Fill(values));
            Assert.NotEqual(english.Subject, korean.Subject);
            // Each place is in the text and, encoded, in the HTML.
            foreach (var filled in new[] { english, korean })
            {
                Assert.All(places, p => Assert.Contains($"<{p}>", filled.Subject + filled.Text, StringComparison.Ordinal));
                Assert.All(places, p => Assert.Contains($"&lt;{p}&gt;", filled.Html, StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData(null, "en")]
    [InlineData("", "en")]
    [InlineData("ko", "ko")]
    [InlineData("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko")]
    [InlineData("de-DE,de;q=0.9,ko;q=0.5,en;q=0.4", "ko")]
    [InlineData("en;q=0.4, KO;q=0.5", "ko")]
    [InlineData("ko;q=0, en", "en")]
    [InlineData("fr, *;q=0.5", "en")]
    [InlineData("ko;q=nonsense", "en")]
    [InlineData("ko;q=9", "en")]
    [InlineData("-,;;,=q,,ko-", "ko")]
    public void The_language_is_the_one_that_is_liked_best_of_those_there_are(string? accepted, string language) =>
        Assert.Equal(language, new MailTemplates(new EmailOptions()).LanguageFor(accepted));

    [Fact]
    public void A_header_that_is_too_long_is_not_read() => Assert.Equal("en", new MailTemplates(new EmailOptions()).LanguageFor("ko," + new string('x', 300)));

    [Fact]
    public void A_folder_replaces_templates_and_adds_languages()
    {
        Write("en", MailNames.ResetPassword, "Ours\n{{link}}", "<p>{{link}}</p>");
        foreach (var (mail, _) in MailNames.Places) Write("de", mail, $"Betreff {mail}\n{{{{service}}}}", "<p>{{service}}</p>");
        var templates = new MailTemplates(new EmailOptions { TemplatesFolder = _folder, DefaultLanguage = "de" });
        Assert.Equal(["de", "en", "ko"], templates.Languages);
        var values = new Dictionary<string, string>(StringComparer.Ordinal) { ["service"] = "S", ["link"] = "L", ["minutes"] = "30", ["name"] = "N" };
        Assert.Equal("Ours", templates.Of(MailNames.ResetPassword, "en").Fill(values).Subject);
        Assert.NotEqual("Ours", templates.Of(MailNames.VerifyEmail, "en").Fill(values).Subject);
        Assert.Equal("Betreff verify_email", templates.Of(MailNames.VerifyEmail, templates.LanguageFor("fr")).Fill(values).Subject);
        Assert.Equal("Betreff verify_email", templates.Of(MailNames.VerifyEmail, "gone").Fill(values).Subject);
    }

    // Skip the check of any of these, and a mail fails when it is sent, months later.
    [Theory]
    [InlineData("en/reset_password.txt=s\nx", "en/reset_password.html is missing")]
    [InlineData("en/reset_password.html=x", "en/reset_password.txt is missing")]
    [InlineData("fr/reset_password.txt=s\nx|fr/reset_password.html=x", "fr/verify_email.txt is missing")]
    [InlineData("en/verify_email.txt=s\n{{name}}|en/verify_email.html=x", "en/verify_email.txt has the unknown place {{name}}")]
    [InlineData("en/verify_email.txt=s\nx|en/verify_email.html=<a href={{link}}>", "en/verify_email.html has {{link}} where it can't be made safe")]
    [InlineData("en/verify_email.txt=s|en/verify_email.html=x", "en/verify_email.txt has no subject")]
    [InlineData("en/verify.txt=x", "en/verify.txt is no template")]
    [InlineData("e n/verify_email.txt=x", "e n is no language")]
    public void A_template_that_can_not_be_used_stops_the_start_and_is_named(string files, string message)
    {
        foreach (var file in files.Split('|'))
        {
            var (path, text) = (Path.Combine(_folder, file.Split('=')[0]), file[(file.IndexOf('=', StringComparison.Ordinal) + 1)..]);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        Assert.Contains(message, Assert.Throws<SettingsException>(() => new MailTemplates(new EmailOptions { TemplatesFolder = _folder })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_default_language_without_templates_is_refused_with_those_there_are() =>
        Assert.Contains("en, ko", Assert.Throws<SettingsException>(() => new MailTemplates(new EmailOptions { DefaultLanguage = "fr" })).Message, StringComparison.Ordinal);

    private void Write(string language, string mail, string text, string html)
    {
        Directory.CreateDirectory(Path.Combine(_folder, language));
        File.WriteAllText(Path.Combine(_folder, language, mail + ".txt"), text);
        File.WriteAllText(Path.Combine(_folder, language, mail + ".html"), html);
    }
}
