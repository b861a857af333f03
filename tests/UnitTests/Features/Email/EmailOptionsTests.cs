using AuthService.Features.Email;
using AuthService.Installation;

namespace UnitTests.Features.Email;

public class EmailOptionsTests
{
    // Take any of the rules out, and the service starts with what can't work, or what gives a password or a token away.
    [Theory]
    [InlineData("Transport=Smtp", "Email:SmtpHost = 'none'")]
    [InlineData("Transport=Pigeon", "one of File, Smtp")]
    [InlineData("SmtpUser=me", "Email:SmtpPassword = '…'")]
    [InlineData("SmtpPassword=secret-word", "Email:SmtpUser = 'none'")]
    [InlineData("SmtpHost=mail.example.com;SmtpUser=me;SmtpPassword=secret-word;SmtpStartTls=false", "Email:SmtpStartTls = 'False'")]
    [InlineData("FromAddress=nobody", "Email:FromAddress = 'nobody'")]
    [InlineData("FromAddress=Bob <bob@example.com>", "Email:FromAddress")]
    [InlineData("FromName=two\nlines", "Email:FromName")]
    [InlineData("PublicUrl=auth.example.com", "Email:PublicUrl = 'auth.example.com'")]
    [InlineData("PublicUrl=https://example.com/?a=b", "Email:PublicUrl")]
    [InlineData("PublicUrl=javascript:alert(1)", "Email:PublicUrl")]
    [InlineData("ResetUrl=https://example.com/reset?token={token}", "behind a #")]   // would be in the log of that server
    [InlineData("ResetUrl=https://example.com/reset#", "Email:ResetUrl")]
    [InlineData("VerifyUrl=https://example.com/#{token}/{token}", "Email:VerifyUrl")]
    [InlineData("VerifyUrl={token}#", "Email:VerifyUrl")]
    public void Settings_that_can_not_work_are_named(string settings, string message)
    {
        var found = Assert.Throws<SettingsException>(() => Bind(settings)).Message;
        Assert.Contains(message, found, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Transport=Smtp;SmtpHost=mail.example.com;SmtpUser=me;SmtpPassword=x")]
    [InlineData("Transport=Smtp;SmtpHost=127.0.0.1;SmtpUser=me;SmtpPassword=x;SmtpStartTls=false")]
    [InlineData("PublicUrl=https://example.com/auth/;VerifyUrl=https://app.example.com/#/verify/{token};ResetUrl=https://app.example.com/reset#token={token}")]
    public void Settings_that_can_work_are_taken(string settings) => Bind(settings);

    [Theory]
    [InlineData("anna@example.com", true)]
    [InlineData("안나@example.com", true)]
    [InlineData("anna", false)]
    [InlineData("a<b@example.com>", false)]     // would go to somebody else
    [InlineData("a@example.com,b@example.com", false)]
    [InlineData("a@example.com\r\nBcc: b@example.com", false)]
    [InlineData("\"a\"@example.com", false)]
    public void What_a_header_would_read_as_more_than_an_address_is_none(string text, bool isAddress) => Assert.Equal(isAddress, EmailOptions.IsAddress(text));

    private static void Bind(string settings) => Settings.Bind<EmailOptions>(new ConfigurationBuilder().AddInMemoryCollection(
        settings.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(s => new KeyValuePair<string, string?>("Email:" + s[..s.IndexOf('=', StringComparison.Ordinal)], s[(s.IndexOf('=', StringComparison.Ordinal) + 1)..]))).Build(), "Email");
}
