using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using AuthService.Http;
using AuthService.Jobs;
using AuthService.Tokens;

namespace AuthService.Features.Email;

/// <summary>Why a mail is written. Which one it is, if any, is decided when it is.</summary>
internal static class MailOccasions
{
    /// <summary>Somebody has registered with an address: verification, or word that it has an account.</summary>
    public const string Registration = "registration";

    public const string Verification = "verification";
    public const string ForgottenPassword = "forgotten_password";
    public const string PasswordChanged = "password_changed";
    public const string NewDevice = "new_device";
}

/// <summary>Arguments of the job <see cref="SendAccountMail"/>: plain rows, so an address and no secret.</summary>
internal sealed record MailArguments(string Occasion, string Language)
{
    /// <summary>Whom to write to where nobody has looked yet whether there is an account.</summary>
    public string? Email { get; init; }

    /// <summary>Whom else.</summary>
    public long? UserId { get; init; }

    public DateTimeOffset? Time { get; init; }
    public string? Ip { get; init; }
    public string? Device { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MailArguments))]
internal sealed partial class MailJson : JsonSerializerContext;

/// <summary>Jobs that write to the owners of accounts, to be enqueued in the transaction of what they are about.</summary>
internal sealed class AccountMails(MailTemplates templates, MasterKey masterKey, TimeProvider clock)
{
    private readonly byte[] _key = masterKey.Derive("email-job/1");

    /// <summary>To whoever has this address, if anybody. Asks nobody who that is: the same work for every address. While one is waiting, no second one is taken.</summary>
    public NewJob ToAddress(string occasion, string email, Caller caller) =>
        Job(new MailArguments(occasion, LanguageOf(caller)) { Email = email }) with { UniqueKey = $"{occasion}:{Fingerprint(email)}" };

    public NewJob PasswordChanged(long userId, Caller caller) =>
        Job(new MailArguments(MailOccasions.PasswordChanged, LanguageOf(caller)) { UserId = userId, Time = clock.GetUtcNow() });

    public NewJob NewDevice(long userId, Caller caller) =>
        Job(new MailArguments(MailOccasions.NewDevice, LanguageOf(caller)) { UserId = userId, Time = clock.GetUtcNow(), Ip = caller.Ip?.ToString(), Device = caller.UserAgent });

    private static NewJob Job(MailArguments arguments) => NewJob.Of(SendAccountMail.JobKind, arguments, MailJson.Default.MailArguments);

    private string LanguageOf(Caller caller) => templates.LanguageFor(caller.AcceptLanguage);

    /// <summary>Keyed: a column that is not about addresses holds none.</summary>
    private string Fingerprint(string email) => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(email.ToLowerInvariant())).AsSpan(0, 16));
}
