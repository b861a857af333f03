using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Mail;

namespace AuthService.Features.Email;

/// <summary>How mail leaves the service.</summary>
internal enum EmailTransport
{
    /// <summary>Each mail is a file in <see cref="EmailOptions.Folder"/>.</summary>
    File,

    /// <summary>To the server <see cref="EmailOptions.SmtpHost"/>.</summary>
    Smtp,
}

/// <summary>Mail to the owners of accounts. Section <c>Email</c>; docs/mail.md.</summary>
internal sealed class EmailOptions : IValidatableObject
{
    public const string None = "none";

    /// <summary>Where the token goes in <see cref="VerifyUrl"/> and <see cref="ResetUrl"/>.</summary>
    public const string TokenPlace = "{token}";

    private const string UrlForm = "An absolute http(s) URL with {token} once, behind a #, where no server gets to see it; or none.";

    /// <summary>Whether an account may sign in only once its address was verified; default false.</summary>
    public bool RequireVerified { get; set; }

    /// <summary>Default <see cref="EmailTransport.File"/>: nothing leaves the machine.</summary>
    public EmailTransport Transport { get; set; } = EmailTransport.File;

    /// <summary>Folder of the mails that are files; default <c>mail</c> in <c>Database:DataFolder</c>.</summary>
    public string? Folder { get; set; }

    /// <summary>Address in <c>From</c>; default <c>authservice@localhost</c>.</summary>
    public string FromAddress { get; set; } = "authservice@localhost";

    /// <summary>Name beside it; default <c>AuthService</c>.</summary>
    public string FromName { get; set; } = "AuthService";

    /// <summary>Name or address of the mail server; default none.</summary>
    public string SmtpHost { get; set; } = None;

    /// <summary>1 to 65,535; default 587.</summary>
    [Range(1, 65_535)]
    public int SmtpPort { get; set; } = 587;

    /// <summary>User at the server; default none: without signing in there.</summary>
    public string SmtpUser { get; set; } = None;

    /// <summary>Password at the server.</summary>
    public string? SmtpPassword { get; set; }

    /// <summary>Whether TLS is required (STARTTLS): a server that doesn't offer it, or shows a certificate that isn't good for its name, gets no mail. Default true.</summary>
    public bool SmtpStartTls { get; set; } = true;

    /// <summary>How long one mail may take to be handed over, from connecting on. 1 s to 4 min; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:04:00")]
    public TimeSpan SmtpTimeLimit { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Where people reach this service: links in mails begin with it, whatever <c>Host</c> a request has named. Default http://127.0.0.1:8080.</summary>
    public string PublicUrl { get; set; } = "http://127.0.0.1:8080";

    /// <summary>Page of one's own that verifies an address, with <c>{token}</c> behind the #; default none: the service's own page.</summary>
    public string VerifyUrl { get; set; } = None;

    /// <summary>The same, to replace a forgotten password.</summary>
    public string ResetUrl { get; set; } = None;

    /// <summary>Language of mails to whom asked for none that there is; default en.</summary>
    public string DefaultLanguage { get; set; } = "en";

    /// <summary>Folder with templates of one's own, <c>LANGUAGE/NAME.txt</c> and <c>.html</c>; default none.</summary>
    public string TemplatesFolder { get; set; } = None;

    /// <summary>How long a link in a mail works. 1 to 30 min; default 30 min.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "00:30:00")]
    public TimeSpan LinkLifetime { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Mails of one kind an account is sent in an hour at most; what is asked for beyond is not sent. 1 to 100; default 5.</summary>
    [Range(1, 100)]
    public int MaxPerHour { get; set; } = 5;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Transport == EmailTransport.Smtp && IsNone(SmtpHost)) yield return new ValidationResult("Transport = Smtp needs the name of a server.", [nameof(SmtpHost)]);
        if (!IsNone(SmtpUser) && string.IsNullOrEmpty(SmtpPassword)) yield return new ValidationResult("Needed with SmtpUser.", [nameof(SmtpPassword)]);
        if (IsNone(SmtpUser) && !string.IsNullOrEmpty(SmtpPassword)) yield return new ValidationResult("Needed with SmtpPassword.", [nameof(SmtpUser)]);
        if (!IsNone(SmtpUser) && !SmtpStartTls && !IsThisMachine(SmtpHost)) yield return new ValidationResult("Must be true with SmtpUser, unless SmtpHost is this machine: a password would go over the network in plain text.", [nameof(SmtpStartTls)]);
        if (!IsAddress(FromAddress)) yield return new ValidationResult("An address such as no-reply@example.com.", [nameof(FromAddress)]);
        if (FromName.Any(char.IsControl)) yield return new ValidationResult("Text on one line.", [nameof(FromName)]);
        if (!IsWeb(PublicUrl, out var url) || url.Query.Length > 0 || url.Fragment.Length > 0) yield return new ValidationResult("An absolute http(s) URL without query and fragment, such as https://auth.example.com.", [nameof(PublicUrl)]);
        if (!IsLink(VerifyUrl)) yield return new ValidationResult(UrlForm, [nameof(VerifyUrl)]);
        if (!IsLink(ResetUrl)) yield return new ValidationResult(UrlForm, [nameof(ResetUrl)]);
    }

    public static bool IsNone(string? text) => string.IsNullOrEmpty(text) || text == None;

    /// <summary>A bare address: nothing that a mail header would read as a name, a comment or a second address.</summary>
    public static bool IsAddress(string text) => MailAddress.TryCreate(text, out var address) && address.Address == text && text.IndexOfAny(['\r', '\n', ',', ';', '<', '>', '"', '(', ')']) < 0;

    private static bool IsThisMachine(string host) => host == "localhost" || (IPAddress.TryParse(host, out var ip) && IPAddress.IsLoopback(ip));

    private static bool IsWeb(string text, out Uri url) => Uri.TryCreate(text, UriKind.Absolute, out url!) && url.Scheme is "http" or "https" && !text.Any(char.IsControl);

    private static bool IsLink(string text)
    {
        if (IsNone(text)) return true;
        var place = text.IndexOf(TokenPlace, StringComparison.Ordinal);
        var hash = text.IndexOf('#', StringComparison.Ordinal);
        return place > hash && hash > 0 && text.LastIndexOf(TokenPlace, StringComparison.Ordinal) == place && IsWeb(text.Replace(TokenPlace, "t", StringComparison.Ordinal), out _);
    }
}
